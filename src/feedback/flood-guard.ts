/** Keeps a flood of reports from counting, from filling the list and the log, and from taking time. */
import { Allowance } from './allowance.ts';

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
  readonly #counted: Allowance;
  readonly #told: Allowance;
  readonly #taken: Allowance;

  constructor({ countedPerHour, toldPerMin, takenPerMin }: FloodLimits = FLOOD_LIMITS) {
    this.#counted = new Allowance(countedPerHour, 3600);
    this.#told = new Allowance(toldPerMin, 60);
    this.#taken = new Allowance(takenPerMin, 60);
  }

  mayCount(provider: string): Promise<boolean> {
    return this.#counted.passes(provider);
  }

  mayTell(): Promise<boolean> {
    return this.#told.passes('told');
  }

  mayTake(way: string): Promise<boolean> {
    return this.#taken.passes(way);
  }
}
