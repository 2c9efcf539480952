/** Keeps a flood of reports from counting, from filling the list and the log, and from taking time. */
import type { RateLimiterMemory } from 'rate-limiter-flexible';

export interface FloodLimits {
  /** Reports about one provider that may count, an hour. */
  readonly countedPerHour: number;
  /** Reports that prove nothing and are told one by one, a minute; of the others only the number. */
  readonly toldPerMin: number;
  /** Messages that are taken from one way in, a minute; more are asked to come later. */
  readonly takenPerMin: number;
}

export const FLOOD_LIMITS: FloodLimits = { countedPerHour: 20, toldPerMin: 30, takenPerMin: 600 };

interface Limiters {
  readonly counted: RateLimiterMemory;
  readonly told: RateLimiterMemory;
  readonly taken: RateLimiterMemory;
}

export class FloodGuard {
  readonly #limits: FloodLimits;
  #limiters: Promise<Limiters> | undefined;

  constructor(limits: FloodLimits = FLOOD_LIMITS) {
    this.#limits = limits;
  }

  mayCount(provider: string): Promise<boolean> {
    return this.#passes('counted', provider);
  }

  mayTell(): Promise<boolean> {
    return this.#passes('told', 'told');
  }

  mayTake(way: string): Promise<boolean> {
    return this.#passes('taken', way);
  }

  async #passes(which: keyof Limiters, key: string): Promise<boolean> {
    this.#limiters ??= limitersOf(this.#limits);
    return passes((await this.#limiters)[which], key);
  }
}

/** The library is loaded with the first report: most hosts get none, and it takes 10 MB. */
async function limitersOf(limits: FloodLimits): Promise<Limiters> {
  const library = await import('rate-limiter-flexible');
  const limiter = (points: number, duration: number): RateLimiterMemory =>
    new library.RateLimiterMemory({ points, duration });
  return {
    counted: limiter(limits.countedPerHour, 3600),
    told: limiter(limits.toldPerMin, 60),
    taken: limiter(limits.takenPerMin, 60),
  };
}

/** The limiter rejects with its count where there are too many, and with an Error for a bug. */
async function passes(limiter: RateLimiterMemory, key: string): Promise<boolean> {
  try {
    await limiter.consume(key);
    return true;
  } catch (error) {
    if (error instanceof Error) throw error;
    return false;
  }
}
