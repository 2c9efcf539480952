/**
 * Pass or hold, at the end of a message. Over a limit, or behind older mail of the same provider in
 * the same or a better lane: hold. Whatever fails here ends in hold too: a mail is never refused
 * because of us, and never let through unasked.
 */
import { type Origin, senderKey } from '../mail/origin.ts';
import { audienceOf, type Audience, type TargetOf } from './audience.ts';
import type { Clock } from './clock.ts';
import type { Desk } from './desk.ts';
import type { Flights } from './flights.ts';
import type { Attempt, Cause, Gate } from './gate.ts';
import type { Grouped, HeldRecord, Share } from './item.ts';
import { type PaceLog, reasonOf } from './log.ts';
import { type Message, type Sorted, sorted } from './message.ts';
import type { Scheduler } from './scheduler.ts';

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
  readonly targetOf: TargetOf;
  /** What is known now of the recipients' destinations. */
  readonly groupedOf: (recipients: readonly string[]) => Grouped | undefined;
  readonly laneOf: (origin: Origin) => string;
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
      const fields = { queueId: message.queueId, error: reasonOf(error) };
      this.#parts.log.error(fields, 'no verdict: held');
      return this.holdAnyway(message, 'postpace could not decide');
    }
  }

  /** Held without asking for its turn: a deadline passed, or something of ours failed. Never throws. */
  holdAnyway(message: Message, why: string): Verdict {
    try {
      return this.#hold(sorted(message, this.#parts.groupedOf), why);
    } catch (error) {
      // Its record is written, and the next comparison with the queue puts it in its line.
      const { queueId } = message;
      this.#parts.log.error({ queueId, error: reasonOf(error) }, 'held, and not in line yet');
      return { kind: 'hold', why };
    }
  }

  async #decide(asked: Message): Promise<Verdict> {
    const message = sorted(asked, this.#parts.groupedOf);
    const audience = audienceOf(message.recipients, this.#parts.targetOf, message.grouped);
    if (audience.byProvider.size === 0) return PASS;
    const lane = this.#parts.laneOf(message.origin);
    const sender = senderKey(message.origin);
    const index = this.#parts.laneIndex(lane);
    if (audience.observed.length > 0) await this.#observe(message, audience.observed, lane);
    const { admitted } = message;
    const held =
      admitted === undefined
        ? audience.held
        : audienceOf(
            message.recipients.filter((one) => !admitted.recipients.includes(one)),
            this.#parts.targetOf,
            message.grouped,
          ).held;
    if (held.length === 0) {
      this.#flies(message, audience, lane, admitted !== undefined);
      return PASS;
    }
    if (message.queueId === undefined) return this.#hold(message, 'Postfix gave no queue id');
    for (const { provider } of held) {
      if (this.#parts.gate.passes(provider)) continue;
      const older = this.#parts.scheduler.waitsBefore(provider, index, sender);
      if (older !== undefined) return this.#hold(message, whyOlder(provider, older));
    }
    const attempt = await this.#parts.gate.attempt(
      {
        id: admitted?.id ?? this.#parts.desk.idOf(message.queueId),
        sender,
        lane: index,
        shares: held,
        observed: false,
      },
      false,
    );
    if (!attempt.ok) return this.#hold(message, whyOf(attempt.cause), attempt);
    tellExceeded(this.#parts.log, message.queueId, attempt);
    this.#flies(message, audience, lane);
    return PASS;
  }

  #hold(message: Sorted, why: string, refusal?: Attempt & { ok: false }): Verdict {
    const { queueId } = message;
    if (queueId === undefined) return { kind: 'hold', why };
    const record = this.#record(message, why);
    this.#parts.desk.hold(record);
    // At once, so that nobody's fresh mail is taken to be behind it meanwhile.
    if (refusal?.cause.sender !== undefined) {
      this.#parts.scheduler.limited(this.#parts.desk.idOf(queueId), refusal);
    }
    const { held } = audienceOf(message.recipients, this.#parts.targetOf, message.grouped);
    const providers = held.map(({ provider }) => provider);
    this.#parts.log.info({ queueId, providers, lane: record.lane, why }, 'held');
    this.#parts.log.debug(
      { queueId, from: message.origin.sender, to: message.recipients },
      'held: addresses',
    );
    return { kind: 'hold', why };
  }

  #record(message: Sorted, why: string, lane = this.#parts.laneOf(message.origin)): HeldRecord {
    const nowMs = this.#parts.clock.nowMs();
    const { sender, login } = message.origin;
    return {
      queueId: message.queueId ?? '',
      formerIds: [],
      sender,
      ...(login !== undefined && { login }),
      recipients: message.recipients,
      lane,
      arrivedMs: nowMs,
      heldMs: nowMs,
      why,
      deferrals: 0,
      wasDeferred: false,
      notBeforeMs: 0,
      ...(message.grouped && { grouped: message.grouped }),
    };
  }

  #flies(message: Sorted, { byProvider }: Audience, lane: string, byDoor = false): void {
    const { queueId, admitted } = message;
    if (queueId === undefined) return;
    const open = new Map<string, Set<string>>();
    for (const [provider, some] of byProvider) open.set(provider, new Set(some));
    const record = this.#record(message, 'passed', lane);
    const id = admitted?.id ?? this.#parts.desk.idOf(queueId);
    this.#parts.flights.add({ id, byDoor, record, open, sinceMs: record.heldMs });
    const { origin, recipients: to } = message;
    this.#parts.log.debug({ queueId, from: origin.sender, to }, 'passed');
  }

  /** Observe mode: the same question and the same waiting, of which Postfix learns nothing. */
  async #observe(message: Sorted, shares: readonly Share[], lane: string): Promise<void> {
    const { desk, gate, scheduler, log, laneIndex } = this.#parts;
    const id = `${desk.idOf(message.queueId ?? '?')}/observed-${this.#serial++}`;
    const index = laneIndex(lane);
    const sender = senderKey(message.origin);
    let why: string | undefined;
    for (const { provider } of shares) {
      const older = scheduler.waitsBefore(provider, index, sender);
      if (older !== undefined) why ??= whyOlder(provider, older);
    }
    if (why === undefined) {
      const asked = { id, sender, lane: index, shares, observed: true };
      const attempt = await gate.attempt(asked, false);
      if (attempt.ok) return;
      why = whyOf(attempt.cause);
    }
    const record = this.#record(message, why);
    scheduler.add({
      id,
      record,
      sender,
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

function whyOlder(provider: string, whose: 'sender' | 'others'): string {
  return whyOf({ kind: 'waiting', provider, ...(whose === 'sender' && { sender: '' }) });
}

const SENDERS = {
  pace: 'pace',
  quota: 'quota',
  waiting: 'older mail of the sender waits',
} as const;

/** What a message waits for, in words; no sender's address is among them. */
export function whyOf(cause: Cause): string {
  const { kind, provider, sender } = cause;
  if (sender !== undefined && (kind === 'pace' || kind === 'quota' || kind === 'waiting')) {
    return `sender limit of ${provider}: ${SENDERS[kind]}`;
  }
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
    case 'away':
      return 'Redis does not answer';
    case 'trouble':
      return `${cause.provider} defers mail`;
    default:
      return cause.kind satisfies never;
  }
}
