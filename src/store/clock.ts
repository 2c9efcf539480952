/** The store's time: wall clock at the start, monotonic from then on. */

/** Where time comes from; the roots hand in the real one. Microseconds, fractions allowed. */
export interface Clock {
  wallUs(): number;
  monotonicUs(): number;
}

/** The machine's own. Only the roots may use it. */
export const systemClock: Clock = {
  wallUs: () => Date.now() * 1e3,
  monotonicUs: () => performance.now() * 1e3,
};

/** Integer microseconds since the epoch that never step back, whatever the wall clock does. */
export class StoreClock {
  readonly #clock: Clock;
  readonly #offsetUs: number;
  #lastUs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#offsetUs = clock.wallUs() - clock.monotonicUs();
    this.#lastUs = Math.floor(clock.wallUs());
  }

  nowUs(): number {
    this.#lastUs = Math.max(this.#lastUs, Math.floor(this.#clock.monotonicUs() + this.#offsetUs));
    return this.#lastUs;
  }
}
