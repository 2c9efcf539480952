/**
 * What Redis answers, kept here too, so that this host can go on with it when Redis is away: what
 * this host was admitted, what is owed in all, the places of others, what an operator has set. Times
 * are this machine's.
 */
import { paceIntervalUs } from '../limit/pace.ts';
import type { Standing } from '../limit/standing.ts';
import { accountName } from './account-name.ts';
import { isClear } from './account.ts';
import { inForce } from './control.ts';
import { charge } from './decide.ts';
import type { Desk } from './decide.ts';
import type { RedisAnswer } from './redis-reply.ts';
import type { Adjustment, Control, Debt, Demand, TakeRequest } from './store.ts';

type Judged = RedisAnswer & { readonly kind: 'judged' };

/** An account that ends within this time may be gone there already. */
const END_US = 1_000_000;

export class Mirror {
  readonly #desk: Desk;
  readonly #nowUs: () => number;
  /** Account -> places of other hosts there, when Redis last told; those with any. */
  readonly #elsewhere = new Map<string, number>();

  constructor(desk: Desk, nowUs: () => number) {
    this.#desk = desk;
    this.#nowUs = nowUs;
  }

  /** When Redis opened the account that it must still have; 0 where it need not have one. */
  birthOf(demand: Demand): number {
    const account = this.#desk.books.account(accountName(demand));
    if (account === undefined || account.bornUs === 0) return 0;
    return isClear(account, this.#nowUs() + END_US) ? 0 : account.bornUs;
  }

  /** Places that other hosts have at a provider, as far as it is known. */
  elsewhere(provider: string): number {
    return this.#elsewhere.get(provider) ?? 0;
  }

  taken({ id, demands }: TakeRequest, answer: Judged): void {
    if (answer.result.ok) this.#admitted(demands, id);
    this.#owed(demands, answer);
  }

  charged(demands: readonly Demand[], answer: Judged): void {
    this.#admitted(demands, undefined);
    this.#owed(demands, answer);
  }

  settled(provider: string, id: string): void {
    const { books, ledger } = this.#desk;
    if (books.settle(provider, id)) ledger?.noted(provider, ['settled', provider, id]);
  }

  /** Also writes down which control an operator gave up or set; the same as before is not written. */
  controls(controls: ReadonlyMap<string, Control>): void {
    const { books } = this.#desk;
    for (const provider of new Set([...books.controls.keys(), ...controls.keys()])) {
      this.control(provider, controls.get(provider));
    }
  }

  standings(standings: ReadonlyMap<string, Standing>): void {
    const { books } = this.#desk;
    for (const provider of new Set([...books.standings.keys(), ...standings.keys()])) {
      this.standing(provider, standings.get(provider));
    }
  }

  standing(provider: string, standing: Standing | undefined): void {
    const { books, ledger } = this.#desk;
    if (standing?.epoch === books.standings.get(provider)?.epoch) return;
    books.setStanding(provider, standing);
    ledger?.noted(undefined, ['standing', provider, standing ?? null]);
  }

  /** Of an operator's or of feedback's. */
  adjusted(why: Adjustment): void {
    const { books, ledger } = this.#desk;
    books.adjusted(why);
    ledger?.noted(undefined, ['adjustment', why]);
  }

  control(provider: string, control: Control | undefined): void {
    const { books, ledger } = this.#desk;
    if (JSON.stringify(control) === JSON.stringify(books.controls.get(provider))) return;
    books.setControl(provider, control);
    ledger?.noted(undefined, ['control', provider, control ?? null]);
  }

  /** `id`: absent for what takes no place. */
  #admitted(demands: readonly Demand[], id: string | undefined): void {
    const { books, ledger } = this.#desk;
    const nowUs = this.#nowUs();
    for (const demand of demands) {
      const { provider, sender, limits } = demand;
      const control = id === undefined ? undefined : inForce(books.controls.get(provider), nowUs);
      const passes = control?.pass !== undefined;
      if (passes && sender !== undefined) continue;
      const account = charge(this.#desk, demand, accountName(demand), nowUs, passes);
      if (id === undefined || limits.inFlight === undefined) continue;
      account.inFlight = (account.inFlight ?? new Map<string, number>()).set(id, nowUs);
      ledger?.noted(provider, ['flight', provider, id, nowUs]);
    }
  }

  /** What is owed there is owed here, whoever was admitted for it. */
  #owed(demands: readonly Demand[], { result, births }: Judged): void {
    const aheadUs = result.nowUs - this.#nowUs();
    for (const [i, demand] of demands.entries()) {
      const debt = result.debts[i];
      if (debt !== undefined) this.#mirrored(demand, debt, births[i] ?? 0, aheadUs);
    }
  }

  #mirrored(demand: Demand, debt: Debt, bornUs: number, aheadUs: number): void {
    const name = accountName(demand);
    const { pace } = demand.limits;
    const known = this.#desk.books.account(name);
    const elsewhere = debt.inFlight - (known?.inFlight?.size ?? 0);
    if (elsewhere > 0) this.#elsewhere.set(name, elsewhere);
    else this.#elsewhere.delete(name);
    if (bornUs === 0) return;
    const account = known ?? this.#desk.books.open(name);
    account.bornUs = bornUs;
    if (pace === undefined || debt.tatUs === undefined) return;
    const tatUs = debt.tatUs - aheadUs;
    // An answer that came late must not make less of what was admitted here since.
    account.tatUs = this.#desk.books.awayUs === undefined ? tatUs : Math.max(tatUs, account.tatUs);
    account.intervalUs = paceIntervalUs(pace);
  }
}
