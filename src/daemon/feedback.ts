/** Feedback beside pacing: reads each outcome, tells the learner, and says what holds now. */
import { deferralBlames } from '../feedback/deferral.ts';
import type { Classification, Classifier } from '../feedback/classify.ts';
import type { Learner, Room } from '../feedback/learner.ts';
import type { Done } from '../feedback/adjust.ts';
import type { OutcomeEvent } from '../feedback/outcome-event.ts';
import { depthOf } from '../feedback/depth.ts';
import { type Departure, fateOf, readOutcome, tellsOf } from '../feedback/outcome-reader.ts';
import type { SentBook } from '../feedback/sent-book.ts';
import { judgementOf } from '../feedback/weight.ts';
import type { Blame, Feedback } from '../pace/ports.ts';
import type { PaceLog } from '../pace/log.ts';
import type { DeliveryEvent } from '../postfix/event.ts';
import type { Store } from '../store/store.ts';
import type { Alerts } from './alerts.ts';
import { Credits } from './credits.ts';
import { type FeedbackList, heardInLog } from './feedback-list.ts';
import { feedbackReport, type Reported } from './feedback-report.ts';
import { Reminders } from './reminders.ts';
import { SentCounts } from './sent-counts.ts';

export interface FeedbackParts {
  readonly learner: Learner;
  readonly classifier: Classifier;
  readonly store: Store;
  readonly log: PaceLog;
  readonly sent: SentBook;
  readonly list: FeedbackList;
  readonly alerts: Alerts;
  readonly nowMs: () => number;
  /** false: outcomes are read and told, and move no limit. */
  readonly adjusts: () => boolean;
  /** How much faster than in life the controller's times go; 1 but for trials. */
  readonly scale: () => number;
  readonly ownAddresses: () => readonly string[];
  readonly onStoreTrouble: (error: unknown) => void;
  /** What the reply filter makes of blocks follows what is stopped. Never rejects. */
  readonly keepTables: () => Promise<void>;
}

/** What was delivered counts for the climb, and is told in one piece this often. */
const CREDIT_MS = 5000;
/** In a trial its hour may take no longer than that. */
const LEAST_CREDIT_MS = 100;

export class DaemonFeedback implements Feedback, Reported {
  readonly #parts: FeedbackParts;
  readonly #credits: Credits;
  readonly #counts: SentCounts;
  readonly #reminders: Reminders;
  #told: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: FeedbackParts) {
    this.#parts = parts;
    this.#credits = new Credits(parts.learner);
    this.#counts = new SentCounts(parts);
    this.#reminders = new Reminders(parts.log);
  }

  start(): void {
    const again = (): void => {
      const waitMs = Math.max(LEAST_CREDIT_MS, CREDIT_MS / this.#parts.scale());
      this.#timer = setTimeout(() => {
        void this.#credits.pay();
        void this.#parts.learner.tidy();
        void this.#parts.sent.flush();
        again();
      }, waitMs);
    };
    again();
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    await Promise.all([this.#credits.pay(), this.#parts.sent.flush()]);
  }

  /** Settles when what the outcomes seen so far have changed is kept, or can't be. Never rejects. */
  async kept(): Promise<void> {
    await Promise.all([this.#told, this.#parts.sent.flush()]);
  }

  async read(): Promise<void> {
    await this.#parts.learner.read();
    void this.#parts.keepTables();
  }

  keepTables(): Promise<void> {
    return this.#parts.keepTables();
  }

  factor(provider: string): number {
    return this.#parts.adjusts() ? this.#parts.learner.factor(provider) : 1;
  }

  places(provider: string): number {
    return this.#parts.adjusts() ? this.#parts.learner.places(provider) : Infinity;
  }

  room(provider: string, id?: string): Room | undefined {
    return this.#parts.adjusts() ? this.#parts.learner.room(provider, id) : undefined;
  }

  report(provider: string, isCrowded: boolean): ReturnType<Reported['report']> {
    const { learner, store, nowMs } = this.#parts;
    return feedbackReport({ learner, feedback: this, store, nowMs: nowMs() }, provider, isCrowded);
  }

  providers(): Iterable<string> {
    return this.#parts.learner.providers();
  }

  reopen(provider: string, forget: boolean): Promise<void> {
    return this.#parts.learner.reopen(provider, forget);
  }

  async claim(provider: string, id: string): Promise<boolean> {
    // A probe must not be returned for the block that it asks about.
    await this.#parts.keepTables();
    return this.#parts.learner.claim(provider, id);
  }

  saw(
    event: DeliveryEvent,
    provider: string,
    departure: Departure,
    speaksFor: (tells: 'taken' | 'refused') => string,
  ): Blame {
    const { classifier, ownAddresses } = this.#parts;
    this.#counts.note(provider, departure.leftMs);
    const { classification, tells } = readOutcome(event, provider, classifier, ownAddresses());
    const fate = fateOf(event);
    this.#parts.sent.note(event.queueId, [event.recipient, event.origTo], { fate, ...departure });
    this.#parts.alerts.outcome(event, provider, classification);
    if (classification !== undefined) this.remind(event, provider, classification);
    let told: Promise<Done | undefined> | undefined;
    if (tells === 'taken') {
      const refusal = event.status === 'sent' ? undefined : event.reply;
      this.#taken(speaksFor('taken'), departure, refusal);
    } else if (tells !== undefined && this.#parts.adjusts()) {
      // What says nothing is only of use to the provider whose probe it was.
      const about = isMute(tells) ? provider : speaksFor('refused');
      told = this.#tell(event.reply, about, departure, { tells, holdMs: classification?.holdMs });
      this.#told = Promise.all([this.#told, told]).then(() => undefined);
    }
    if (classification !== undefined) {
      const counts = told !== undefined;
      void (told ?? Promise.resolve(undefined)).then((did) =>
        this.#parts.list.add(heardInLog(event, provider, classification, { did, counts })),
      );
    }
    return deferralBlames(event, classification);
  }

  /** A report about a message that was proven to be ours: it counts as a judgement. */
  async hear(provider: string, departure: Departure, reply: string): Promise<Done | undefined> {
    const { learner, store, onStoreTrouble, nowMs } = this.#parts;
    if (!this.#parts.adjusts()) return undefined;
    try {
      const event = judgementOf(departure, await store.usage(provider), nowMs());
      return await learner.tell(provider, event, reply);
    } catch (error) {
      onStoreTrouble(error);
      return undefined;
    }
  }

  /** An outcome as if the log had told it, where no log is followed. */
  attempt(
    provider: string,
    departure: Departure,
    classification: Classification,
    reply: string,
  ): Promise<Done | undefined> {
    const tells = tellsOf(classification);
    const refusal = classification.group === 'good' ? undefined : reply;
    if (tells === 'taken') this.#taken(provider, departure, refusal);
    if (tells === 'taken' || tells === undefined || !this.#parts.adjusts()) {
      return Promise.resolve(undefined);
    }
    return this.#tell(reply, provider, departure, { tells, holdMs: classification.holdMs });
  }

  /** `refusal`: what was said for the recipient's sake; undefined: it was delivered. */
  #taken(provider: string, departure: Departure, refusal: string | undefined): void {
    this.#counts.taken(provider);
    const { learner } = this.#parts;
    const standing = learner.standing(provider);
    if (standing === undefined) return;
    if (standing.stop !== undefined) {
      const depth = refusal === undefined ? undefined : (depthOf(refusal) ?? 0);
      void learner.tell(provider, { kind: 'taken', recipients: 1, depth, ...departure }, 'taken');
    } else if (departure.leftMs > standing.sinceMs) this.#credits.add(provider, departure);
  }

  async #tell(
    reply: string,
    provider: string,
    departure: Departure,
    {
      tells,
      holdMs,
    }: { readonly tells: OutcomeEvent['kind']; readonly holdMs: number | undefined },
  ): Promise<Done | undefined> {
    const { learner, onStoreTrouble } = this.#parts;
    if (isMute(tells)) {
      // Only a probe's outcome that says nothing is something.
      if (learner.standing(provider)?.stop === undefined) return undefined;
      return learner.tell(provider, { kind: tells, ...departure }, reply);
    }
    const depth = depthOf(reply);
    try {
      if (tells === 'crowded') {
        const { inFlight } = await this.#parts.store.usage(provider);
        return await learner.tell(provider, { kind: 'crowded', inFlight, ...departure }, reply);
      }
      const { leftMs } = departure;
      const { sentPerMin, deliveredDay } = await this.#counts.before(provider, leftMs);
      if (tells === 'slow') {
        return await learner.tell(provider, { kind: 'slow', sentPerMin, ...departure }, reply);
      } else if (tells === 'blocked') {
        const blocked = { kind: 'blocked' as const, sentPerMin, depth, holdMs, ...departure };
        return await learner.tell(provider, blocked, reply);
      } else {
        const deliveredSince = this.#counts.takenSince(provider);
        const judged = { kind: 'judged' as const, sentPerMin, depth, ...departure };
        return await learner.tell(provider, { deliveredDay, deliveredSince, ...judged }, reply);
      }
    } catch (error) {
      onStoreTrouble(error);
      return undefined;
    }
  }

  /** Says what slowing down does not help, and what is another's affair. */
  remind(
    event: Pick<DeliveryEvent, 'queueId' | 'reply'>,
    provider: string,
    classification: Classification,
  ): void {
    this.#reminders.remind(event, provider, classification, this.#parts.nowMs());
  }
}

/** Nobody answered for us, or it means nothing. */
function isMute(tells: OutcomeEvent['kind']): tells is 'unclear' | 'kept' {
  return tells === 'unclear' || tells === 'kept';
}
