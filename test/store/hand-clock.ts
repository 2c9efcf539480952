/** A clock that is set by hand: the wall may step, the monotonic one only goes on. */
import type { Clock } from '../../src/store/clock.ts';

export class HandClock implements Clock {
  #wallUs: number;
  #monotonicUs = 0;

  constructor(wallUs = 1_790_000_000_000_000) {
    this.#wallUs = wallUs;
  }

  wallUs(): number {
    return this.#wallUs;
  }

  monotonicUs(): number {
    return this.#monotonicUs;
  }

  /** Time passes. */
  advance(us: number): void {
    this.#wallUs += us;
    this.#monotonicUs += us;
  }

  /** Somebody sets the wall clock. */
  stepWall(us: number): void {
    this.#wallUs += us;
  }

  /** Even a monotonic clock that steps back must not take the store with it. */
  stepMonotonic(us: number): void {
    this.#monotonicUs += us;
  }
}
