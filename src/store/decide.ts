/**
 * One take on the books: judged over every limit of every provider, then charged whole or not at
 * all. Synchronous from the first look to the last charge: that is what makes it atomic.
 */
import { paceIntervalUs, restated } from '../limit/pace.ts';
import { chargeAccount, countPassed, exceededBy, restateDebt, waitOf } from './account.ts';
import type { Account, Wait } from './account.ts';
import type { Books } from './books.ts';
import { inForce } from './control.ts';
import type { Line } from './line.ts';
import type { Debt, Demand, TakeRequest, TakeResult } from './store.ts';

/** Who writes down what was charged. */
export interface Ledger {
  admitted(demand: Demand, nowUs: number, passes: boolean): void;
  noted(provider: string | undefined, ...lines: readonly Line[]): void;
}

export interface Desk {
  readonly books: Books;
  /** Waiting messages of a provider, a count per lane. */
  readonly waiting: ReadonlyMap<string, readonly number[]>;
  readonly ledger: Ledger | undefined;
}

export function decide(desk: Desk, request: TakeRequest, nowUs: number): TakeResult {
  const { books } = desk;
  let worst: Wait | undefined;
  for (const demand of request.demands) {
    const wait = judge(desk, demand, request, nowUs);
    if (wait !== undefined && (worst === undefined || wait.freeAtUs > worst.freeAtUs)) worst = wait;
  }
  if (worst !== undefined) {
    const debts = request.demands.map((demand) => debtOf(books, demand));
    return { ok: false, nowUs, retryAtUs: worst.freeAtUs, cause: worst.cause, debts };
  }
  const exceeded: ReturnType<typeof exceededBy>[number][] = [];
  for (const demand of request.demands) {
    const { provider, limits } = demand;
    const passes = inForce(books.controls.get(provider), nowUs)?.pass !== undefined;
    if (!passes) exceeded.push(...exceededBy(demand));
    const account = charge(desk, demand, nowUs, passes);
    if (limits.inFlight === undefined) continue;
    account.inFlight = (account.inFlight ?? new Map<string, number>()).set(request.id, nowUs);
    desk.ledger?.noted(provider, ['flight', provider, request.id, nowUs]);
  }
  const debts = request.demands.map((demand) => debtOf(books, demand));
  return { ok: true, nowUs, debts, exceeded };
}

/** Charges a demand whether it is free or not; under `pass` it is only counted. */
export function charge(desk: Desk, demand: Demand, nowUs: number, passes: boolean): Account {
  const account = desk.books.open(demand.provider);
  if (passes) countPassed(account, demand, nowUs);
  else chargeAccount(account, demand, nowUs, desk.books.uncleanUs);
  desk.ledger?.admitted(demand, nowUs, passes);
  return account;
}

function judge(
  { books, waiting }: Desk,
  demand: Demand,
  request: TakeRequest,
  nowUs: number,
): Wait | undefined {
  const account = books.accounts.get(demand.provider);
  const { pace } = demand.limits;
  // A limit that changed measures the debt anew from the moment it is first seen, so that what is
  // owed is paid at the new rate. Nothing is charged by that.
  if (
    account !== undefined &&
    account.intervalUs > 0 &&
    pace !== undefined &&
    account.intervalUs !== paceIntervalUs(pace)
  ) {
    const { tatUs, intervalUs } = account;
    restateDebt(account, restated({ tatUs, intervalUs }, pace, nowUs));
  }
  const ahead = request.queued ? undefined : waiting.get(demand.provider);
  return waitOf(account, demand, {
    nowUs,
    control: inForce(books.controls.get(demand.provider), nowUs),
    mustQueue: ahead !== undefined && ahead.some((count, i) => i <= request.lane && count > 0),
    id: request.id,
    uncleanUs: books.uncleanUs,
  });
}

function debtOf(books: Books, { provider, limits }: Demand): Debt {
  const account = books.accounts.get(provider);
  const inFlight = account?.inFlight?.size ?? 0;
  return limits.pace === undefined || account === undefined || account.intervalUs === 0
    ? { provider, inFlight }
    : { provider, tatUs: account.tatUs, inFlight };
}
