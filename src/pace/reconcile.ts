/**
 * Compares what we believe with the real queue, at the start and every minute: the queue is right.
 * Finds renamed, released and deleted messages, adopts holds that the log proves to be ours,
 * leaves all others alone, and applies max_hold.
 */
import { setImmediate } from 'node:timers/promises';
import type { TargetOf } from './audience.ts';
import type { Clock } from './clock.ts';
import type { Departures } from './departures.ts';
import type { Desk } from './desk.ts';
import type { Flights } from './flights.ts';
import type { Grouped, HeldRecord } from './item.ts';
import type { PaceLog } from './log.ts';
import type { Outcomes } from './outcomes.ts';
import type { OtherHold, Owner, Ownership } from './ownership.ts';
import type { HoldQueue, QueuedMessage } from './ports.ts';
import { fileKey } from './queue-identity.ts';
import type { Rehold } from './rehold.ts';

export interface ReconcileParts {
  readonly clock: Clock;
  readonly queue: HoldQueue;
  readonly desk: Desk;
  readonly flights: Flights;
  readonly departures: Departures;
  readonly rehold: Rehold;
  readonly outcomes: Outcomes;
  readonly log: PaceLog;
  readonly ownerOf: Ownership;
  /** Holds that nothing is known of are ours: `adopt: all`. */
  readonly adoptAll: () => boolean;
  readonly targetOf: TargetOf;
  readonly groupedOf: (recipients: readonly string[]) => Grouped | undefined;
  readonly prepare: (recipients: readonly string[]) => Promise<void> | undefined;
  readonly laneOf: (origin: { readonly sender: string }) => string;
  /** Each held message of ours, to see whether it waits too long. */
  readonly checkAge: (record: HeldRecord) => void;
}

const UNKNOWN: Owner = { owner: 'unclaimed', why: 'the log does not tell why it is held' };
/** What was held less than this before the listing began may not be in it yet. */
const SETTLING_MS = 5000;
/** Holds whose owner is looked for at a time. */
const AT_A_TIME = 4;
/** Messages dealt with before other work gets its turn. */
const SLICE = 50;

export class Reconcile {
  readonly #parts: ReconcileParts;
  #others = new Map<string, OtherHold>();
  #deferredCount = 0;
  #running: Promise<void> | undefined;

  constructor(parts: ReconcileParts) {
    this.#parts = parts;
  }

  /** Held mail that is not ours, as of the last listing. */
  get others(): ReadonlyMap<string, OtherHold> {
    return this.#others;
  }

  /** How large the deferred queue was: it decides on the cheapest wake-up. */
  get deferredCount(): number {
    return this.#deferredCount;
  }

  /** One at a time; a second call while one runs waits for that one. Rejects when listing fails. */
  run(): Promise<void> {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** An administrator says that these holds are ours. Says which were not there to adopt. */
  async adopt(queueIds: readonly string[], by: string): Promise<readonly string[]> {
    const messages = queueIds.flatMap((id) => this.#others.get(id)?.message ?? []);
    await this.#parts.prepare(
      messages.flatMap(({ recipients }) => recipients.map(({ address }) => address)),
    );
    return queueIds.filter((queueId) => {
      const other = this.#others.get(queueId);
      if (other === undefined) return true;
      this.#others.delete(queueId);
      this.#adopt(other.message, `adopted by ${by}`);
      return false;
    });
  }

  async #run(): Promise<void> {
    const { clock, queue, desk, departures } = this.#parts;
    const startedMs = clock.nowMs();
    // Doubts that arise while the listing runs are not settled by it.
    const doubtful = new Set(departures.doubtful.keys());
    const seen = new Map<string, QueuedMessage['queue']>();
    const unknown: QueuedMessage[] = [];
    let deferred = 0;
    for await (const message of queue.list()) {
      seen.set(message.queueId, message.queue);
      if (message.queue === 'deferred') deferred++;
      if (message.queue === 'hold') {
        this.#parts.rehold.found(message.queueId);
        if (desk.record(message.queueId) === undefined) unknown.push(message);
        else this.#known(message);
      } else if (message.queue === 'deferred') this.#parts.rehold.remind(message.queueId);
    }
    this.#deferredCount = deferred;
    const strangers = this.#renamed(unknown, seen);
    await this.#parts.prepare(
      strangers.flatMap(({ recipients }) => recipients.map(({ address }) => address)),
    );
    await this.#claim(strangers, await this.#owners(strangers));
    // Backwards, so that of those that wait again the first is at the head once more.
    for (const queueId of [...doubtful].toReversed()) {
      const where = seen.get(queueId);
      if (where === 'hold') departures.stillHeld(queueId);
      else if (where === 'deferred') departures.unwoken(queueId);
      else departures.left(queueId);
    }
    await this.#gone(seen, startedMs);
  }

  /** A message of ours, where it should be: who it still goes to is Postfix's to say. */
  #known(message: QueuedMessage): void {
    const { desk, departures, checkAge } = this.#parts;
    const { queueId } = message;
    const record = desk.record(queueId);
    if (record === undefined || departures.pending(queueId)) return;
    const recipients = message.recipients.map(({ address }) => address.toLowerCase());
    const same = new Set(record.recipients.map((one) => one.toLowerCase()));
    if (recipients.length !== same.size || !recipients.every((one) => same.has(one))) {
      desk.hold({ ...record, recipients });
    } else if (desk.item(queueId) === undefined && !desk.shelved(queueId)) desk.queueUp(record);
    checkAge(record);
  }

  /** Follows files that have a new name. Returns those that are none of ours. */
  #renamed(
    unknown: readonly QueuedMessage[],
    seen: ReadonlyMap<string, unknown>,
  ): readonly QueuedMessage[] {
    if (unknown.length === 0) return unknown;
    const missing = new Map<string, HeldRecord>();
    for (const record of this.#parts.desk.records()) {
      const key = seen.has(record.queueId) ? undefined : fileKey(record.queueId);
      if (key !== undefined) missing.set(key, record);
    }
    if (missing.size === 0) return unknown;
    return unknown.filter((message) => {
      const key = fileKey(message.queueId);
      const record = key === undefined ? undefined : missing.get(key);
      if (record === undefined) return true;
      const { queueId } = message;
      this.#parts.departures.renamed(record.queueId);
      this.#parts.desk.rename(record.queueId, queueId);
      this.#parts.log.info({ queueId, from: record.queueId }, 'renamed by Postfix');
      return false;
    });
  }

  /** A few at a time: some can only be told by looking at the message. */
  async #owners(unknown: readonly QueuedMessage[]): Promise<ReadonlyMap<string, Owner>> {
    const owners = new Map<string, Owner>();
    const waiting = [...unknown];
    const work = async (): Promise<void> => {
      for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
        const owner = await this.#parts.ownerOf(one.queueId);
        if (owner !== undefined) owners.set(one.queueId, owner);
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, work));
    return owners;
  }

  async #claim(
    unknown: readonly QueuedMessage[],
    owners: ReadonlyMap<string, Owner>,
  ): Promise<void> {
    const { desk, adoptAll, log } = this.#parts;
    const others = new Map<string, OtherHold>();
    for (const [index, message] of unknown.entries()) {
      if (index % SLICE === SLICE - 1) await setImmediate();
      const { queueId } = message;
      // It became ours while the listing ran.
      if (desk.record(queueId) !== undefined) continue;
      const { owner, why } = owners.get(queueId) ?? UNKNOWN;
      if (owner === 'ours') this.#adopt(message, why);
      else if (owner === 'unclaimed' && adoptAll()) this.#adopt(message, 'adopt: all');
      else {
        others.set(queueId, { message, owner, why });
        if (this.#others.get(queueId)?.owner !== owner) {
          log.info({ queueId, owner, why }, 'held, and not by us: left alone');
        }
      }
    }
    this.#others = others;
  }

  #adopt(message: QueuedMessage, why: string): void {
    const { desk, laneOf, log, clock, targetOf, groupedOf } = this.#parts;
    const recipients = message.recipients.map(({ address }) => address.toLowerCase());
    const stays = recipients.every((recipient) => targetOf(recipient) === undefined);
    const lane = laneOf({ sender: message.sender });
    log.info({ queueId: message.queueId, lane, stays, why }, 'adopted');
    desk.hold({
      queueId: message.queueId,
      formerIds: [],
      sender: message.sender,
      recipients,
      lane,
      arrivedMs: message.arrivalSec * 1000,
      heldMs: clock.nowMs(),
      why: `held while postpace was down (${why})`,
      deferrals: 0,
      wasDeferred: message.recipients.some(({ delayReason }) => delayReason !== undefined),
      notBeforeMs: 0,
      grouped: groupedOf(recipients),
    });
  }

  /** Records and flights whose message is elsewhere, or nowhere. */
  async #gone(seen: ReadonlyMap<string, QueuedMessage['queue']>, startedMs: number): Promise<void> {
    const { desk, flights, departures, rehold, outcomes, log } = this.#parts;
    let looked = 0;
    for (const record of desk.records()) {
      if (++looked % SLICE === 0) await setImmediate();
      const { queueId } = record;
      const queue = seen.get(queueId);
      if (queue === 'hold' || record.heldMs > startedMs - SETTLING_MS) continue;
      if (departures.pending(queueId) || (queue === 'deferred' && rehold.wants(queueId))) continue;
      if (queue === undefined) {
        rehold.forget(queueId);
        desk.forget(queueId);
        log.info({ queueId }, 'not in the queue any more: deleted, or never accepted');
      } else {
        log.info({ queueId, queue }, 'released by hand: charged');
        outcomes.tookOff(record);
      }
    }
    for (const queueId of flights.ids()) {
      const flight = flights.get(queueId);
      if (flight === undefined || seen.has(queueId)) continue;
      if (flight.sinceMs > startedMs - SETTLING_MS || departures.pending(queueId)) continue;
      flights.end(queueId);
      rehold.forget(queueId);
      outcomes.settle(flight, flight.open.keys());
    }
  }
}
