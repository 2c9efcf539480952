/**
 * Pass or hold, at the end of a message. Over a limit, or behind older mail of the same provider in
 * the same or a better lane: hold. Whatever fails here ends in hold too: a mail is never refused
 * because of us, and never let through unasked.
 */
import { audienceOf, type Audience, type Target } from './audience.ts';
import type { Clock } from './clock.ts';
import type { Desk } from './desk.ts';
import type { Flights } from './flights.ts';
import type { Attempt, Cause, Gate } from './gate.ts';
import type { HeldRecord, Share } from './item.ts';
import { type PaceLog, reasonOf } from './log.ts';
import type { Scheduler } from './scheduler.ts';

/** A message as the milter saw it. */
export interface Message {
  /** undefined: Postfix did not say (it always does at end of message). */
  readonly queueId: string | undefined;
  readonly sender: string;
  /** Those that leave the machine or may. */
  readonly recipients: readonly string[];
  /** Let in at RCPT (tempfail mode), charged then. */
  readonly admitted?: {
    /** Names its in_flight places, in place of the queue id, which nobody knew then. */
    readonly id: string;
    readonly recipients: readonly string[];
  };
}

export type Verdict =
  | { readonly kind: 'pass' }
  /** `why`: a short reason, for Postfix's log and ours. */
  | { readonly kind: 'hold'; readonly why: string };

export interface VerdictParts {
  readonly clock: Clock;
  readonly desk: Desk;
  readonly flights: Flights;
  readonly gate: Gate;
  readonly scheduler: Scheduler;
  readonly log: PaceLog;
  readonly targetOf: (recipient: string) => Target | undefined;
  readonly laneOf: (sender: string) => string;
  readonly laneIndex: (lane: string) => number;
}

const PASS: Verdict = { kind: 'pass' };

export class Verdicts {
  readonly #parts: VerdictParts;
  #serial = 0;

  constructor(parts: VerdictParts) {
    this.#parts = parts;
  }

  /** Never rejects. The record of a held message is written when this settles. */
  async decide(message: Message): Promise<Verdict> {
    try {
      return await this.#decide(message);
    } catch (error) {
      const { queueId } = message;
      this.#parts.log.error({ queueId, error: reasonOf(error) }, 'no verdict: held');
      return this.holdAnyway(message, 'postpace could not decide');
    }
  }

  /** Held without asking for its turn: a deadline passed, or something of ours failed. Never throws. */
  holdAnyway(message: Message, why: string): Verdict {
    try {
      return this.#hold(message, why);
    } catch (error) {
      // Its record is written, and the next comparison with the queue puts it in its line.
      const { queueId } = message;
      this.#parts.log.error({ queueId, error: reasonOf(error) }, 'held, and not in line yet');
      return { kind: 'hold', why };
    }
  }

  async #decide(message: Message): Promise<Verdict> {
    const audience = audienceOf(message.recipients, this.#parts.targetOf);
    if (audience.byProvider.size === 0) return PASS;
    const lane = this.#parts.laneOf(message.sender);
    const index = this.#parts.laneIndex(lane);
    if (audience.observed.length > 0) await this.#observe(message, audience.observed, lane);
    const { admitted } = message;
    const held =
      admitted === undefined
        ? audience.held
        : audienceOf(
            message.recipients.filter((one) => !admitted.recipients.includes(one)),
            this.#parts.targetOf,
          ).held;
    if (held.length === 0) {
      this.#flies(message, audience, lane, admitted !== undefined);
      return PASS;
    }
    if (message.queueId === undefined) return this.#hold(message, 'Postfix gave no queue id');
    const older = held.find(
      ({ provider }) =>
        !this.#parts.gate.passes(provider) && this.#parts.scheduler.waitsBefore(provider, index),
    );
    if (older !== undefined) return this.#hold(message, `older mail to ${older.provider} waits`);
    const attempt = await this.#parts.gate.attempt(
      {
        id: admitted?.id ?? this.#parts.desk.idOf(message.queueId),
        lane: index,
        shares: held,
        observed: false,
      },
      false,
    );
    if (!attempt.ok) return this.#hold(message, whyOf(attempt.cause));
    tellExceeded(this.#parts.log, message.queueId, attempt);
    this.#flies(message, audience, lane);
    return PASS;
  }

  #hold(message: Message, why: string): Verdict {
    const { queueId } = message;
    if (queueId === undefined) return { kind: 'hold', why };
    const record = this.#record(message, why);
    this.#parts.desk.hold(record);
    const { held } = audienceOf(message.recipients, this.#parts.targetOf);
    const providers = held.map(({ provider }) => provider);
    this.#parts.log.info({ queueId, providers, lane: record.lane, why }, 'held');
    this.#parts.log.debug(
      { queueId, from: message.sender, to: message.recipients },
      'held: addresses',
    );
    return { kind: 'hold', why };
  }

  #record(message: Message, why: string, lane = this.#parts.laneOf(message.sender)): HeldRecord {
    const nowMs = this.#parts.clock.nowMs();
    return {
      queueId: message.queueId ?? '',
      formerIds: [],
      sender: message.sender,
      recipients: message.recipients,
      lane,
      arrivedMs: nowMs,
      heldMs: nowMs,
      why,
      deferrals: 0,
      wasDeferred: false,
      notBeforeMs: 0,
    };
  }

  #flies(message: Message, { byProvider }: Audience, lane: string, byDoor = false): void {
    const { queueId, admitted } = message;
    if (queueId === undefined) return;
    const open = new Map<string, Set<string>>();
    for (const [provider, some] of byProvider) open.set(provider, new Set(some));
    const record = this.#record(message, 'passed', lane);
    const id = admitted?.id ?? this.#parts.desk.idOf(queueId);
    this.#parts.flights.add({ id, byDoor, record, open, sinceMs: record.heldMs });
    this.#parts.log.debug({ queueId, from: message.sender, to: message.recipients }, 'passed');
  }

  /** Observe mode: the same question and the same waiting, of which Postfix learns nothing. */
  async #observe(message: Message, shares: readonly Share[], lane: string): Promise<void> {
    const { desk, gate, scheduler, log, laneIndex } = this.#parts;
    const id = `${desk.idOf(message.queueId ?? '?')}/observed-${this.#serial++}`;
    const index = laneIndex(lane);
    const waits = shares.find(({ provider }) => scheduler.waitsBefore(provider, index));
    const attempt =
      waits ?? (await gate.attempt({ id, lane: index, shares, observed: true }, false));
    if ('ok' in attempt && attempt.ok) return;
    const why = 'ok' in attempt ? whyOf(attempt.cause) : `older mail to ${attempt.provider} waits`;
    const record = this.#record(message, why);
    scheduler.add({
      id,
      record,
      lane: index,
      shares,
      observed: true,
      waiting: true,
      parkedBy: undefined,
    });
    const providers = shares.map(({ provider }) => provider);
    log.info({ queueId: message.queueId, providers, lane, why }, 'would be held (observe)');
  }
}

/** A message with more recipients than a quota goes alone, as an exception that is to be seen. */
export function tellExceeded(
  log: PaceLog,
  queueId: string | undefined,
  { exceeded }: Attempt & { ok: true },
): void {
  for (const { provider, text } of exceeded) {
    log.warn({ queueId, provider }, `admitted alone: ${text}`);
  }
}

/** What a message waits for, in words. */
export function whyOf(cause: Cause): string {
  switch (cause.kind) {
    case 'pace':
      return `pace of ${cause.provider}`;
    case 'quota':
      return `quota of ${cause.provider}`;
    case 'in_flight':
      return `mail to ${cause.provider} is still under way`;
    case 'suspended':
      return `${cause.provider} is suspended`;
    case 'waiting':
      return `older mail to ${cause.provider} waits`;
    case 'trouble':
      return `${cause.provider} defers mail`;
    default:
      return cause.kind satisfies never;
  }
}
