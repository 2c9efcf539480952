/**
 * Reports that come as mail, and what other classifiers hand in: read, checked against what we sent,
 * counted once, and told to feedback as far as they may move anything.
 */
import type { FeedbackEventReport } from '../control/api.ts';
import type { Classification, Classifier } from '../feedback/classify.ts';
import type { FloodGuard } from '../feedback/flood-guard.ts';
import type { GivenEvent } from '../feedback/given-event.ts';
import {
  readMailReport,
  type MailReport,
  type ReportedRecipient,
} from '../feedback/mail-report.ts';
import type { Departure } from '../feedback/outcome-reader.ts';
import type { Remembered } from '../feedback/remembered.ts';
import { actionGiven, readGiven, readReported } from '../feedback/reported.ts';
import type { SentBook } from '../feedback/sent-book.ts';
import { judgeTrust, OLDEST_MS, type Trust } from '../feedback/trust.ts';
import { weigh, type Weight } from '../feedback/weight.ts';
import { canonicalAddress, parseAddress, withoutExtension } from '../mail/address.ts';
import type { DaemonFeedback } from './feedback.ts';
import type { FeedbackList, HeardEvent } from './feedback-list.ts';

export interface MailFeedbackParts {
  readonly feedback: Pick<DaemonFeedback, 'hear' | 'attempt' | 'remind'>;
  readonly classifier: Classifier;
  readonly list: FeedbackList;
  readonly sent: SentBook;
  /** Reports that were counted, and who spoke for a provider when. */
  readonly counted: Remembered;
  readonly guard: FloodGuard;
  readonly key: Uint8Array;
  /** This host's name in the pool. */
  readonly host: string;
  readonly nowMs: () => number;
  readonly providerOf: (recipient: string) => string | undefined;
  /**
   * Whose limits a report of the recipient may move: his own domain's, where that counts for the
   * provider by its MX alone. Its owner pointed it there, and could speak with as many voices as he likes.
   */
  readonly speaksFor: (recipient: string, provider: string) => string;
  readonly ownAddresses: () => readonly string[];
  /** A message that is with Postfix and has no outcome yet, where no log tells of outcomes. */
  readonly inFlight: (queueId: string, recipient: string) => Departure | undefined;
}

type Source = 'imap' | 'pipe' | 'ndjson';

/** What is being considered, and what is known of it. */
interface Matter {
  readonly heard: Omit<HeardEvent, 'outcome' | 'why'> & { readonly classification: Classification };
  readonly trust: Trust & { readonly kind: 'proven' };
  readonly weight: Weight;
  /** What it says of the recipient: once counted, the same is not counted again. */
  readonly says: string;
}

/** The outcome, and why. */
type Came = readonly [outcome: FeedbackEventReport['outcome'], why: string | null];

const DAY_MS = 24 * 3_600_000;
const canonical = (address: string): string => canonicalAddress(parseAddress(address));
/** `TYPE host/queue-id` in the list: without the host. */
const queueIdOf = (id: string): string => id.slice(id.lastIndexOf('/') + 1);

export class MailFeedback {
  readonly #parts: MailFeedbackParts;
  /** One after the other: two copies of a report must not both be the first. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: MailFeedbackParts) {
    this.#parts = parts;
  }

  /** A message as it came. Resolves with what it reported of whom: empty where it is no report. */
  takeMail(
    raw: Uint8Array,
    source: 'imap' | 'pipe',
  ): Promise<{ readonly kind: MailReport['kind']; readonly events: FeedbackEventReport[] }> {
    return this.#next(async () => {
      const report = await readMailReport(raw);
      const events: FeedbackEventReport[] = [];
      for (const one of report.recipients) {
        events.push(await this.#report(report, one, source));
      }
      if (report.kind === 'none') {
        this.#parts.list.count({ source, outcome: 'ignored', why: 'no report' });
      }
      await this.#parts.counted.flush();
      return { kind: report.kind, events };
    });
  }

  /** What another classifier made of a reply. */
  takeGiven(given: GivenEvent): Promise<FeedbackEventReport> {
    return this.#next(async () => {
      const event = await this.#given(given);
      await this.#parts.counted.flush();
      return event;
    });
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #report(
    { kind, original }: MailReport,
    one: ReportedRecipient,
    source: Source,
  ): Promise<FeedbackEventReport> {
    const { key, host, sent, nowMs, classifier, ownAddresses, providerOf } = this.#parts;
    const addresses = [one.originalRecipient, one.recipient];
    const trust = judgeTrust(original, addresses, {
      key,
      host,
      find: (queueId, recipient) => sent.find(queueId, recipient),
      nowMs: nowMs(),
    });
    const proven = trust.kind === 'proven' ? trust : undefined;
    const recipient = proven?.recipient ?? one.originalRecipient ?? one.recipient;
    const provider = recipient === undefined ? undefined : providerOf(recipient);
    const context = { provider, ownAddresses: ownAddresses() };
    const classification = readReported(one, classifier, context);
    const heard = {
      at: Math.round(nowMs()),
      source,
      kind: kind === 'none' ? ('bounce' as const) : kind,
      queueId: proven ? queueIdOf(proven.id) : null,
      recipient: recipient ?? null,
      provider: this.#speakerOf(recipient, provider),
      trust: proven?.by ?? ('unproven' as const),
      classification,
      reply: one.reply,
    };
    if (trust.kind === 'unproven') return this.#ignored(heard, trust.why);
    const weight = weigh(one, classification, provider ?? '', trust.fate);
    return this.#consider({ heard, trust, weight, says: one.action });
  }

  async #given(given: GivenEvent): Promise<FeedbackEventReport> {
    const { sent, providerOf, inFlight, nowMs, classifier, ownAddresses } = this.#parts;
    const { queueId = '', recipient } = given;
    const provider = providerOf(recipient);
    const context = { provider, ownAddresses: ownAddresses() };
    const classification = readGiven(given, classifier, context);
    const fact = sent.find(queueId, recipient);
    const flight = fact === undefined ? inFlight(queueId, recipient) : undefined;
    const heard = {
      at: Math.round(nowMs()),
      source: 'ndjson' as const,
      kind: 'given' as const,
      queueId: given.queueId ?? null,
      recipient,
      provider: this.#speakerOf(recipient, provider),
      trust: fact || flight ? ('records' as const) : ('unproven' as const),
      classification,
      reply: given.reply,
    };
    const known = fact ?? (flight && { ...flight, fate: undefined });
    if (known === undefined) return this.#ignored(heard, 'unknown message');
    if (given.atMs < nowMs() - OLDEST_MS) return this.#ignored(heard, 'too old');
    const trust = { kind: 'proven', by: 'records', recipient, ...known } as const;
    if (flight !== undefined) {
      // Where no log is followed it stands in for the log: a message may be tried again and again.
      const says = `attempt ${given.atMs}`;
      return this.#consider({ heard, trust, weight: { kind: 'attempt' }, says });
    }
    const action = actionGiven(given.category);
    // Whoever gave it its category knew the status too.
    const one = { action, status: undefined };
    const weight = weigh(one, classification, provider ?? '', known.fate);
    return this.#consider({ heard, trust, weight, says: action });
  }

  #speakerOf(recipient: string | undefined, provider: string | undefined): string | null {
    if (recipient === undefined || provider === undefined) return null;
    return this.#parts.speaksFor(recipient, provider);
  }

  /** Anybody can send these, as often as he likes: counted, and listed as long as they are few. */
  async #ignored(
    heard: Omit<HeardEvent, 'outcome' | 'why'>,
    why: string,
  ): Promise<FeedbackEventReport> {
    const { list, guard } = this.#parts;
    const event = { ...heard, outcome: 'ignored', why } as const;
    return (await guard.mayTell()) ? list.add(event) : list.pass(event);
  }

  async #consider({ heard, trust, weight, says }: Matter): Promise<FeedbackEventReport> {
    const { list, counted, nowMs } = this.#parts;
    const { provider } = heard;
    const key = `${trust.id} ${canonical(trust.recipient)} ${says}`;
    if (counted.get(key) !== undefined) return this.#ignored(heard, 'told before');
    // Not kept: of what says nothing to us, another's report may say what it was.
    if (weight.kind === 'ignored') return this.#ignored(heard, weight.why);
    if (provider === null) return this.#ignored(heard, 'it stays on this machine');
    const [outcome, why]: Came =
      weight.kind === 'known'
        ? ['ignored', 'the log has told of it']
        : await this.#act(heard, provider, trust, weight);
    // Last, so that a crash before it loses nothing: limits know each message by its id.
    counted.set(key, String(Math.round(nowMs())));
    return list.add({ ...heard, outcome, why });
  }

  async #act(
    { classification, reply, queueId }: Matter['heard'],
    provider: string,
    { id, leftMs, recipient }: Matter['trust'],
    weight: Exclude<Weight, { kind: 'ignored' | 'known' }>,
  ): Promise<Came> {
    const { feedback, guard, counted, nowMs } = this.#parts;
    if (weight.kind === 'told') {
      feedback.remind({ queueId: queueId ?? '', reply }, provider, classification);
      return [
        'told',
        classification.blames === 'intermediary'
          ? 'refused to somebody who forwards'
          : 'ours to mend',
      ];
    }
    if (weight.kind === 'attempt') {
      const did = await feedback.attempt(provider, { id, leftMs }, classification, reply);
      return did === undefined ? ['counted', null] : ['moved', did];
    }
    // One mailbox is one voice, however many mails it was sent, under however many names.
    const voice = `voice ${provider} ${withoutExtension(canonical(recipient))}`;
    const spokeMs = Number(counted.get(voice) ?? Number.NaN);
    if (spokeMs > nowMs() - DAY_MS) return ['ignored', 'this recipient has spoken today'];
    if (!(await guard.mayCount(provider))) return ['ignored', 'too many reports of this provider'];
    const did = await feedback.hear(provider, { id, leftMs }, reply);
    counted.set(voice, String(Math.round(nowMs())));
    return did === undefined ? ['counted', null] : ['moved', did];
  }
}
