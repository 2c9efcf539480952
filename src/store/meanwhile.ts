/**
 * What a host did by itself while its Redis was away, account by account: what Redis does not know
 * yet. Admissions share slots as in a history, so that a long absence stays small.
 */
import { recordAdmission } from '../limit/history.ts';
import type { History } from '../limit/history.ts';
import { accountName } from './account-name.ts';
import { rememberedSpans } from './account.ts';
import type { Ledger } from './ledger.ts';
import type { Line } from './line.ts';
import type { Demand } from './store.ts';

/** A take that Redis may have charged although no answer came, and that was admitted here then. */
export interface Doubt {
  readonly id: string;
  readonly atUs: number;
  readonly recipients: number;
}

export interface Arrears {
  /** Of the account. */
  readonly name: string;
  readonly admitted: History;
  readonly passed: History;
  readonly doubtful: Doubt[];
  /** Message id -> since when it has its place. */
  readonly taken: Map<string, number>;
  /** Ids of messages that have their outcome, or never left. */
  readonly freed: Set<string>;
}

export class Meanwhile implements Ledger {
  readonly #accounts = new Map<string, Arrears>();
  /** The message whose take is in doubt, while it is charged here. */
  #doubted: string | undefined;
  /** False: Redis is asked, and knows. */
  records = false;
  #isKnown = false;

  /** Accounts. */
  get size(): number {
    return this.#accounts.size;
  }

  /** What `charge` notes is in doubt: Redis was asked the same, and did not answer. */
  doubting<T>(id: string, charge: () => T): T {
    this.#doubted = id;
    try {
      return charge();
    } finally {
      this.#doubted = undefined;
    }
  }

  /** What `charge` notes is charged in Redis already: its answer came when another had failed. */
  known(charge: () => void): void {
    this.#isKnown = true;
    try {
      charge();
    } finally {
      this.#isKnown = false;
    }
  }

  admitted(name: string, demand: Demand, nowUs: number, passes: boolean): void {
    if (!this.records || this.#isKnown) return;
    const arrears = this.#of(name);
    const { recipients } = demand;
    if (this.#doubted !== undefined && !passes && demand.limits.inFlight !== undefined) {
      // Its place tells later whether it was charged.
      arrears.doubtful.push({ id: this.#doubted, atUs: nowUs, recipients });
      return;
    }
    const spans = rememberedSpans(demand);
    recordAdmission(passes ? arrears.passed : arrears.admitted, nowUs, recipients, spans);
  }

  noted(_provider: string | undefined, ...lines: readonly Line[]): void {
    if (!this.records || this.#isKnown) return;
    for (const line of lines) {
      if (line[0] === 'flight') this.#of(line[1]).taken.set(line[2], line[3]);
    }
  }

  /** Its place is free: Redis may know of it, or have taken it in a take that was in doubt. */
  freed(provider: string, id: string): void {
    const arrears = this.#of(provider);
    arrears.taken.delete(id);
    arrears.freed.add(id);
  }

  /** Nothing of it leaves now, whatever Redis has charged for it. */
  refused(demands: readonly Demand[], id: string): void {
    for (const demand of demands) {
      if (demand.limits.inFlight !== undefined) this.freed(accountName(demand), id);
    }
  }

  /** From a journal: what was admitted at `sinceUs` or later, before this process started. */
  add(arrears: Arrears): void {
    this.#accounts.set(arrears.name, arrears);
  }

  /** At most so many accounts; they are no longer here then. */
  take(most: number): readonly Arrears[] {
    const taken: Arrears[] = [];
    for (const [name, arrears] of this.#accounts) {
      if (taken.length === most) break;
      this.#accounts.delete(name);
      taken.push(arrears);
    }
    return taken;
  }

  #of(name: string): Arrears {
    let arrears = this.#accounts.get(name);
    if (arrears === undefined) {
      arrears = noArrears(name);
      this.#accounts.set(name, arrears);
    }
    return arrears;
  }
}

export function noArrears(name: string): Arrears {
  return { name, admitted: [], passed: [], doubtful: [], taken: new Map(), freed: new Set() };
}
