/**
 * Whose hold is it? What the log tells about held mail that we have no record of: our milter line
 * says default_action=quarantine, so Postfix holds while we are down, frozen or killed. Such a hold
 * is ours; every other one (header or access HOLD, another milter's quarantine, postsuper by hand)
 * is foreign. As seen on Postfix 3.7, all of them by the process that holds:
 *
 *     smtpd    warning: connect to Milter service unix:…     once a session; then, for each message,
 *              NOQUEUE: milter-hold: MAIL|RCPT from …        before it has a name
 *              ID: client=…
 *              ID: milter-hold: RCPT|DATA from …
 *     cleanup  ID: message-id=…
 *              warning: milter unix:…: can't read SMFIC_BODYEOB reply packet header: …
 *              ID: milter-hold: END-OF-MESSAGE from …
 *     cleanup  warning: connect to Milter service unix:…     mail from sendmail(1)
 *              ID: milter-hold: CONNECT from …
 *              ID: message-id=…
 *
 * A milter's own QUARANTINE has the END-OF-MESSAGE line without a warning, ours and others' alike:
 * foreign here, so ask the held records first. From Postfix 3.10 on the line has the reason.
 */
import type { LogEvent } from './event.ts';

export interface Ownership {
  readonly owner: 'ours' | 'foreign';
  /** For the operator: what the log said. */
  readonly why: string;
  /**
   * false: we failed before the end of the message, and then Postfix logs no second reason: a
   * header check, or a milter before us, may have wanted it held as well.
   */
  readonly certain: boolean;
}

export interface EvidenceOptions {
  /** Our milter as Postfix names it: `unix:postpace/milter.sock`, `inet:127.0.0.1:8892`. */
  readonly sockets: readonly string[];
  /** Other milters with default_action=quarantine: without them the mail is held for them too. */
  readonly quarantining?: readonly string[];
  /** How the reason begins that we give with QUARANTINE. */
  readonly reason?: string;
}

/** What is known of a process: one session of smtpd, one message of cleanup. */
interface Process {
  /** Milters that failed, and what the warning said. */
  readonly trouble: Map<string, string>;
  /** Decided before the message has a name; of each kind the last. */
  readonly ahead: Map<'milter' | 'check', Extract<LogEvent, { readonly kind: 'hold-ahead' }>>;
}

const MOST_MESSAGES = 100_000;
const MOST_PROCESSES = 10_000;

export class HoldEvidence {
  readonly #options: EvidenceOptions;
  readonly #messages = new Map<string, Ownership>();
  readonly #processes = new Map<string, Process>();
  readonly #expected = new Map<string, true>();

  constructor(options: EvidenceOptions) {
    this.#options = options;
  }

  /** What the log says about a held message; undefined: nothing. */
  ownerOf(queueId: string): Ownership | undefined {
    return this.#messages.get(queueId);
  }

  /** We are about to hold these with postsuper: its `placed on hold` is not an operator's. */
  expectHold(queueIds: readonly string[]): void {
    for (const id of queueIds) keep(this.#expected, id, true, MOST_MESSAGES);
  }

  /** The file has a new name. */
  rename(queueId: string, newId: string): void {
    const known = this.#messages.get(queueId);
    if (known === undefined) return;
    this.#messages.delete(queueId);
    this.#mark(newId, known);
  }

  /** Every event of the log, in its order. */
  feed(event: LogEvent): void {
    switch (event.kind) {
      case 'turn':
        this.#processes.delete(key(event));
        break;
      case 'milter-trouble':
        this.#process(event).trouble.set(event.service, event.text);
        break;
      case 'hold-ahead':
        this.#process(event).ahead.set(event.by, event);
        break;
      case 'accepted':
        this.#accepted(event);
        break;
      case 'hold':
        this.#held(event);
        break;
      case 'renamed':
        this.rename(event.queueId, event.newId);
        break;
      case 'released':
      case 'removed':
      case 'requeued':
        // That hold is over, and the id may come again.
        this.#messages.delete(event.queueId);
        this.#expected.delete(event.queueId);
        break;
      case 'delivery':
      case 'active':
      case 'expired':
        break;
      default:
        event satisfies never;
    }
  }

  #accepted(event: Extract<LogEvent, { readonly kind: 'accepted' }>): void {
    const process = this.#processes.get(key(event));
    if (process === undefined) return;
    for (const ahead of process.ahead.values()) {
      if (ahead.by === 'check') this.#mark(event.queueId, byCheck(ahead.text));
      else this.#mark(event.queueId, this.#byMilter(process, ahead.stage, ahead.text));
    }
    process.ahead.clear();
  }

  #held(event: Extract<LogEvent, { readonly kind: 'hold' }>): void {
    switch (event.by) {
      case 'check':
        this.#mark(event.queueId, byCheck(event.text));
        break;
      case 'operator':
        if (this.#expected.delete(event.queueId)) break;
        this.#mark(event.queueId, {
          owner: 'foreign',
          why: 'held by hand with postsuper',
          certain: true,
        });
        break;
      case 'milter': {
        const process = this.#processes.get(key(event));
        this.#mark(event.queueId, this.#byMilter(process, event.stage, event.text));
        // cleanup holds a message once; what failed then says nothing about the next one.
        if (event.program === 'cleanup') this.#processes.delete(key(event));
        break;
      }
      default:
        event.by satisfies never;
    }
  }

  #byMilter(process: Process | undefined, stage: string | undefined, text: string): Ownership {
    const { sockets, quarantining = [], reason } = this.#options;
    const trouble = process?.trouble ?? new Map<string, string>();
    const other = quarantining.find((service) => trouble.has(service));
    if (other !== undefined)
      return { owner: 'foreign', why: `held for ${trouble.get(other)}`, certain: true };
    const atEnd = stage === 'END-OF-MESSAGE';
    const ours = sockets.find((service) => trouble.has(service));
    if (ours !== undefined)
      return { owner: 'ours', why: `held at ${stage}: ${trouble.get(ours)}`, certain: atEnd };
    const given = text.slice(text.indexOf(']: ') + 3);
    if (reason !== undefined && atEnd && given.startsWith(reason))
      return { owner: 'ours', why: `held at ${stage}: ${given}`, certain: true };
    return { owner: 'foreign', why: `held by a milter at ${text}`, certain: true };
  }

  /** One foreign reason is enough. */
  #mark(queueId: string, found: Ownership): void {
    const known = this.#messages.get(queueId);
    if (known?.owner === 'foreign' && found.owner === 'ours') return;
    keep(this.#messages, queueId, found, MOST_MESSAGES);
  }

  #process(event: LogEvent): Process {
    const known = this.#processes.get(key(event));
    if (known !== undefined) return known;
    const fresh: Process = { trouble: new Map(), ahead: new Map() };
    keep(this.#processes, key(event), fresh, MOST_PROCESSES);
    return fresh;
  }
}

function byCheck(text: string): Ownership {
  return { owner: 'foreign', why: `held by a check: ${text}`, certain: true };
}

function key(event: LogEvent): string {
  return `${event.program}[${event.pid}]`;
}

/** Bounded: the oldest entry makes room. */
function keep<V>(map: Map<string, V>, name: string, value: V, most: number): void {
  map.delete(name);
  map.set(name, value);
  const oldest = map.size > most ? map.keys().next() : undefined;
  if (oldest?.done === false) map.delete(oldest.value);
}
