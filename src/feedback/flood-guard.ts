/** Keeps a flood of reports from counting, from filling the list and the log, and from taking time. */
import { RateLimiterMemory } from 'rate-limiter-flexible';

export interface FloodLimits {
  /** Reports about one provider that may count, an hour. */
  readonly countedPerHour: number;
  /** Reports that prove nothing and are told one by one, a minute; of the others only the number. */
  readonly toldPerMin: number;
  /** Messages that are taken from one way in, a minute; more are asked to come later. */
  readonly takenPerMin: number;
}

export const FLOOD_LIMITS: FloodLimits = { countedPerHour: 20, toldPerMin: 30, takenPerMin: 600 };

export class FloodGuard {
  readonly #counted: RateLimiterMemory;
  readonly #told: RateLimiterMemory;
  readonly #taken: RateLimiterMemory;

  constructor(limits: FloodLimits = FLOOD_LIMITS) {
    this.#counted = new RateLimiterMemory({ points: limits.countedPerHour, duration: 3600 });
    this.#told = new RateLimiterMemory({ points: limits.toldPerMin, duration: 60 });
    this.#taken = new RateLimiterMemory({ points: limits.takenPerMin, duration: 60 });
  }

  mayCount(provider: string): Promise<boolean> {
    return passes(this.#counted, provider);
  }

  mayTell(): Promise<boolean> {
    return passes(this.#told, 'told');
  }

  mayTake(way: string): Promise<boolean> {
    return passes(this.#taken, way);
  }
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
