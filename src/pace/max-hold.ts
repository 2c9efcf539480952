/**
 * What becomes of mail that waited too long. Hold time counts as queue age for Postfix: a message
 * released after maximal_queue_lifetime is returned at its first deferral.
 */
import type { Clock } from './clock.ts';
import type { Departures } from './departures.ts';
import type { Desk } from './desk.ts';
import type { HeldRecord } from './item.ts';
import { type PaceLog, reasonOf } from './log.ts';
import type { Outcomes } from './outcomes.ts';
import type { Releaser } from './ports.ts';

export type MaxHoldAction = 'release' | 'bounce' | 'keep';

export interface MaxHoldParts {
  readonly clock: Clock;
  readonly desk: Desk;
  readonly departures: Departures;
  readonly outcomes: Outcomes;
  readonly releaser: Releaser;
  readonly log: PaceLog;
  readonly maxHoldMs: (lane: string) => number;
  readonly action: () => MaxHoldAction;
  readonly bestLane: () => string;
}

/** From this part of max_hold on the administrator is told. */
const WARN_AT = 0.8;

export class MaxHold {
  readonly #parts: MaxHoldParts;
  #overdue = new Map<string, 'promoted' | 'kept'>();
  #forced = new Set<string>();
  #near = 0;
  #told = 0;

  constructor(parts: MaxHoldParts) {
    this.#parts = parts;
  }

  expiresMs(record: HeldRecord): number {
    return record.arrivedMs + this.#parts.maxHoldMs(record.lane);
  }

  /** Before a reconcile looks at each record. */
  begin(): void {
    this.#forced.clear();
    this.#near = 0;
  }

  check(record: HeldRecord): void {
    const nowMs = this.#parts.clock.nowMs();
    const maxMs = this.#parts.maxHoldMs(record.lane);
    if (nowMs >= record.arrivedMs + maxMs) this.#strike(record);
    else if (nowMs >= record.arrivedMs + WARN_AT * maxMs) this.#near++;
  }

  /** After a reconcile: one line for all that come near, when there are more than before. */
  end(): void {
    for (const queueId of this.#overdue.keys()) {
      if (this.#parts.desk.record(queueId) === undefined) this.#overdue.delete(queueId);
    }
    if (this.#near > this.#told) {
      const action = this.#parts.action();
      this.#parts.log.warn({ messages: this.#near, action }, 'held mail comes near max_hold');
    }
    this.#told = this.#near;
  }

  /** Messages that wait longer than max_hold, and that soon will. */
  get counts(): { readonly overdue: number; readonly near: number } {
    return { overdue: this.#overdue.size, near: this.#near };
  }

  #strike(record: HeldRecord): void {
    const { desk, releaser, log } = this.#parts;
    const { queueId } = record;
    const action = this.#parts.action();
    const before = this.#overdue.get(queueId);
    if (action === 'bounce' && releaser.expire !== undefined) {
      void this.#bounce(queueId, releaser.expire);
    } else if (action === 'release' && before === undefined) {
      // Before all others, and still at the provider's pace: many at once must not be a burst.
      this.#overdue.set(queueId, 'promoted');
      log.warn({ queueId }, 'max_hold: goes before all others');
      desk.hold({ ...record, lane: this.#parts.bestLane(), notBeforeMs: 0 }, true);
    } else if (action === 'release') this.#force(record);
    else if (before === undefined) {
      this.#overdue.set(queueId, 'kept');
      log.warn({ queueId }, 'max_hold: kept');
    }
  }

  async #bounce(queueId: string, expire: NonNullable<Releaser['expire']>): Promise<void> {
    const { desk, log } = this.#parts;
    try {
      const { confirmed } = await expire([queueId]);
      // Not confirmed: the next reconcile sees whether it is still there.
      if (confirmed.length === 0) return;
      desk.forget(queueId);
      log.warn({ queueId }, 'max_hold: returned to its sender');
    } catch (error) {
      log.error({ queueId, error: reasonOf(error) }, 'max_hold: cannot be returned to its sender');
    }
  }

  /** Even first in line it could not go (a suspended provider): one a reconcile and provider goes. */
  #force(record: HeldRecord): void {
    const { desk, departures, outcomes, log } = this.#parts;
    // Those on the shelf too: a provider that defers everything must not get all of them at once.
    const providers = desk.providersOf(record);
    if (providers.some((provider) => this.#forced.has(provider))) return;
    for (const provider of providers) this.#forced.add(provider);
    log.warn({ queueId: record.queueId, providers }, 'max_hold: released whatever the limits say');
    outcomes.charge(record);
    desk.release(record);
    departures.leave(record);
  }
}
