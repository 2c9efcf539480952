/**
 * Takes deferred mail back to hold. Left in the deferred queue it would come back in Postfix's
 * retry waves, at nobody's pace. The queue manager moves a message there only after its last
 * recipient's attempt, so that the first try may come too early and is repeated.
 */
import { backoffMs, type Backoff } from './health.ts';
import type { Clock } from './clock.ts';
import type { Departures } from './departures.ts';
import type { Desk } from './desk.ts';
import { type Flight, type Flights, openIn } from './flights.ts';
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
  readonly untried: boolean;
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

  /**
   * `record`: what is left of the message, as it is to be held. Told once for each deferral.
   * `untried`: no provider deferred it, it was released and perhaps nobody was woken for it.
   */
  want(record: HeldRecord, reply: string, untried = false): void {
    const { clock, desk } = this.#parts;
    desk.release(record);
    const old = this.#wants.get(record.queueId);
    const nowMs = clock.nowMs();
    const recipients = [...new Set([...(old?.record.recipients ?? []), ...record.recipients])];
    const wanted = { ...record, recipients, wasDeferred: true, heldMs: nowMs };
    this.#wants.set(record.queueId, {
      record: wanted,
      reply,
      untried: untried && (old?.untried ?? true),
      tries: old?.tries ?? 0,
      // Where nobody tried, no attempt is waited for.
      dueMs: untried ? nowMs : nowMs + FIRST_MS,
    });
    this.#arm();
  }

  /** Tries now what is due. Settles when that was tried; never rejects. */
  async now(): Promise<void> {
    clearTimeout(this.#timer);
    if (!this.#busy) await this.#run();
  }

  /** The listing found it in hold: postsuper's answer was lost. */
  found(queueId: string): void {
    const want = this.#wants.get(queueId);
    if (want !== undefined) this.#held(want);
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
    const { desk, departures, releaser, log } = this.#parts;
    const due = [...this.#wants.values()].filter((want) => {
      // Its release is not confirmed yet: the record still belongs to that.
      if (want.dueMs <= nowMs && departures.pending(want.record.queueId)) want.dueMs = nowMs + 100;
      return want.dueMs <= nowMs;
    });
    try {
      if (due.length === 0) return;
      // On disk before postsuper is asked: after a crash in between, the hold is known to be ours.
      for (const want of due) desk.keep(want.record);
      const ids = due.map((want) => want.record.queueId);
      const { confirmed } = await releaser.hold(ids);
      const done = new Set(confirmed);
      for (const want of due) {
        const { queueId } = want.record;
        if (!done.has(queueId)) this.#later(want);
        // Another recipient's deferral may have come meanwhile: the last word counts.
        else this.found(queueId);
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
    this.#wants.delete(queueId);
    const deferrals = want.record.deferrals + (want.untried ? 0 : 1);
    const nowMs = clock.nowMs();
    const waitMs = want.untried ? 0 : backoffMs(backoff(), deferrals);
    const notBeforeMs = nowMs + waitMs;
    // Its place in the store is free only now: a crash before this finds the message by it.
    const flight = flights.end(queueId);
    if (flight !== undefined) this.#parts.settle(flight);
    // Who had an outcome since the deferral was seen is not waited for any more.
    const recipients = flight === undefined ? want.record.recipients : openIn(flight);
    const record = { ...want.record, recipients, deferrals, heldMs: nowMs, notBeforeMs };
    desk.hold(record, true);
    const { reply } = want;
    if (want.untried) log.info({ queueId, reply }, 'taken back to hold');
    else log.info({ queueId, deferrals, waitMs, reply }, 're-held after a deferral');
  }

  #later(want: Want): void {
    want.tries++;
    want.dueMs = this.#parts.clock.nowMs() + (TRIES_MS[want.tries] ?? Infinity);
  }
}
