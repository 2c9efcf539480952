/** So many in so long, for each key by itself. */
import type { RateLimiterMemory } from 'rate-limiter-flexible';

export class Allowance {
  readonly #points: number;
  readonly #durationSec: number;
  #limiter: Promise<RateLimiterMemory> | undefined;

  /** `points` in `durationSec` seconds from a key's first. */
  constructor(points: number, durationSec: number) {
    this.#points = points;
    this.#durationSec = durationSec;
  }

  async passes(key: string): Promise<boolean> {
    this.#limiter ??= limiterOf(this.#points, this.#durationSec);
    try {
      await (await this.#limiter).consume(key);
      return true;
    } catch (error) {
      // It rejects with its count where there are too many, and with an Error for a bug.
      if (error instanceof Error) throw error;
      return false;
    }
  }
}

/** The library is loaded with the first key: most hosts have none, and it takes 10 MB. */
async function limiterOf(points: number, duration: number): Promise<RateLimiterMemory> {
  const library = await import('rate-limiter-flexible');
  return new library.RateLimiterMemory({ points, duration });
}
