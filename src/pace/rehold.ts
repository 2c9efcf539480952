/**
 * Takes deferred mail back to hold. Left in the deferred queue it would come back in Postfix's
 * retry waves, at nobody's pace. The queue manager moves a message there only after its last
 * recipient's attempt, so that the first try may come too early and is repeated.
 */
import { backoffMs, type Backoff } from './health.ts';
import type { Clock } from './clock.ts';
import type { Departures } from './departures.ts';
import type { Desk } from './desk.ts';
import type { Flight, Flights } from './flights.ts';
import type { HeldRecord } from './item.ts';
import { type PaceLog, reasonOf } from './log.ts';
import type { Releaser } from './ports.ts';

export interface ReholdParts {
  readonly clock: Clock;
  readonly desk: Desk;
  readonly flights: Flights;
  readonly departures: Departures;
  readonly releaser: Releaser;
  readonly backoff: () => Backoff;
  /** Frees its places in the store. */
  readonly settle: (flight: Flight) => void;
  readonly log: PaceLog;
}

/** After these waits it is left to the next reconcile, which finds it in the deferred queue. */
const FIRST_MS = 100;
const TRIES_MS = [FIRST_MS, 300, 1000, 3000, 10_000];

interface Want {
  readonly record: HeldRecord;
  readonly reply: string;
  tries: number;
  dueMs: number;
}

export class Rehold {
  readonly #parts: ReholdParts;
  readonly #wants = new Map<string, Want>();
  #timer: NodeJS.Timeout | undefined;
  #busy = false;

  constructor(parts: ReholdParts) {
    this.#parts = parts;
  }

  /** Ids to be taken back: a `placed on hold` line for one of them is our own doing. */
  wants(queueId: string): boolean {
    return this.#wants.has(queueId);
  }

  /** `record`: what is left of the message, as it is to be held. Told once for each deferral. */
  want(record: HeldRecord, reply: string): void {
    const old = this.#wants.get(record.queueId);
    const dueMs = this.#parts.clock.nowMs() + FIRST_MS;
    const recipients = [...new Set([...(old?.record.recipients ?? []), ...record.recipients])];
    this.#wants.set(record.queueId, {
      record: { ...record, recipients },
      reply,
      tries: old?.tries ?? 0,
      dueMs,
    });
    this.#arm();
  }

  /** The reconcile sees it in the deferred queue still: tried once more. */
  remind(queueId: string): void {
    const want = this.#wants.get(queueId);
    if (want === undefined || want.dueMs !== Infinity) return;
    want.dueMs = this.#parts.clock.nowMs();
    this.#arm();
  }

  /** The message is gone, or was taken over by hand. */
  forget(queueId: string): void {
    this.#wants.delete(queueId);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#wants.clear();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    if (this.#busy) return;
    let dueMs = Infinity;
    for (const want of this.#wants.values()) dueMs = Math.min(dueMs, want.dueMs);
    if (dueMs === Infinity) return;
    const waitMs = Math.max(20, dueMs - this.#parts.clock.nowMs());
    this.#timer = setTimeout(() => void this.#run(), waitMs);
  }

  async #run(): Promise<void> {
    this.#busy = true;
    const nowMs = this.#parts.clock.nowMs();
    const { departures, releaser, log } = this.#parts;
    const due = [...this.#wants.values()].filter((want) => {
      // Its release is not confirmed yet: the record still belongs to that.
      if (want.dueMs <= nowMs && departures.pending(want.record.queueId)) want.dueMs = nowMs + 100;
      return want.dueMs <= nowMs;
    });
    try {
      const ids = due.map((want) => want.record.queueId);
      const { confirmed } = await releaser.hold(ids);
      const done = new Set(confirmed);
      for (const want of due) {
        if (done.has(want.record.queueId)) this.#held(want);
        else this.#later(want);
      }
    } catch (error) {
      log.error(
        { error: reasonOf(error) },
        'deferred mail cannot be taken back to hold: the helper fails',
      );
      for (const want of due) this.#later(want);
    } finally {
      this.#busy = false;
      this.#arm();
    }
  }

  #held(want: Want): void {
    const { clock, desk, flights, backoff, log } = this.#parts;
    const { queueId } = want.record;
    if (this.#wants.get(queueId) === want) this.#wants.delete(queueId);
    const deferrals = want.record.deferrals + 1;
    const nowMs = clock.nowMs();
    const waitMs = backoffMs(backoff(), deferrals);
    const notBeforeMs = nowMs + waitMs;
    const record = { ...want.record, deferrals, wasDeferred: true, heldMs: nowMs, notBeforeMs };
    // Its place in the store is free only now: a crash before this finds the message by it.
    const flight = flights.end(queueId);
    if (flight !== undefined) this.#parts.settle(flight);
    desk.hold(record, true);
    log.info({ queueId, deferrals, waitMs, reply: want.reply }, 're-held after a deferral');
  }

  #later(want: Want): void {
    want.tries++;
    want.dueMs = this.#parts.clock.nowMs() + (TRIES_MS[want.tries] ?? Infinity);
  }
}
