/**
 * One take on the books: judged over every limit of every provider, then charged whole or not at
 * all. Synchronous from the first look to the last charge: that is what makes it atomic.
 */
import { paceIntervalUs, restated } from '../limit/pace.ts';
import { chargeAccount, countPassed, exceededBy, restateDebt, waitOf } from './account.ts';
import type { Account, Wait } from './account.ts';
import { accountName } from './account-name.ts';
import type { Books } from './books.ts';
import { inForce } from './control.ts';
import type { Ledger } from './ledger.ts';
import type { Debt, Demand, TakeRequest, TakeResult } from './store.ts';

export interface Desk {
  readonly books: Books;
  /** Waiting messages by the name of the account they wait for, a count per lane. */
  readonly waiting: ReadonlyMap<string, readonly number[]>;
  readonly ledger: Ledger | undefined;
}

export function decide(desk: Desk, request: TakeRequest, nowUs: number): TakeResult {
  const { books } = desk;
  // Settled once: the first demand that is charged may open the last account there is room for.
  const names = request.demands.map((demand) => books.nameFor(demand));
  let worst: Wait | undefined;
  for (const [i, demand] of request.demands.entries()) {
    const wait = judge(desk, demand, names[i]!, request, nowUs);
    if (wait !== undefined && (worst === undefined || wait.freeAtUs > worst.freeAtUs)) worst = wait;
  }
  if (worst !== undefined) {
    const debts = request.demands.map((demand, i) => debtOf(books, demand, names[i]!));
    return { ok: false, nowUs, retryAtUs: worst.freeAtUs, cause: worst.cause, debts };
  }
  const exceeded: ReturnType<typeof exceededBy>[number][] = [];
  for (const [i, demand] of request.demands.entries()) {
    const { provider, sender, limits } = demand;
    const passes = inForce(books.controls.get(provider), nowUs)?.pass !== undefined;
    if (passes && sender !== undefined) continue;
    if (!passes) exceeded.push(...exceededBy(demand));
    const account = charge(desk, demand, names[i]!, nowUs, passes);
    if (limits.inFlight === undefined) continue;
    account.inFlight = (account.inFlight ?? new Map<string, number>()).set(request.id, nowUs);
    desk.ledger?.noted(provider, ['flight', provider, request.id, nowUs]);
  }
  const debts = request.demands.map((demand, i) => debtOf(books, demand, names[i]!));
  return { ok: true, nowUs, debts, exceeded };
}

/** Charges a demand whether it is free or not; under `pass` it is only counted. */
export function charge(
  desk: Desk,
  demand: Demand,
  name: string,
  nowUs: number,
  passes: boolean,
): Account {
  const account = desk.books.open(name);
  if (passes) countPassed(account, demand, nowUs);
  else chargeAccount(account, demand, nowUs, desk.books.uncleanUs);
  desk.ledger?.admitted(name, demand, nowUs, passes);
  return account;
}

function judge(
  { books, waiting }: Desk,
  demand: Demand,
  name: string,
  request: TakeRequest,
  nowUs: number,
): Wait | undefined {
  const account = books.account(name);
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
  const ahead = request.queued ? undefined : waiting.get(accountName(demand));
  return waitOf(account, demand, {
    nowUs,
    control: inForce(books.controls.get(demand.provider), nowUs),
    mustQueue: ahead !== undefined && ahead.some((count, i) => i <= request.lane && count > 0),
    id: request.id,
    uncleanUs: books.uncleanUs,
  });
}

function debtOf(books: Books, { provider, sender, limits }: Demand, name: string): Debt {
  const account = books.account(name);
  const inFlight = account?.inFlight?.size ?? 0;
  const who = sender === undefined ? { provider } : { provider, sender };
  return limits.pace === undefined || account === undefined || account.intervalUs === 0
    ? { inFlight, ...who }
    : { tatUs: account.tatUs, inFlight, ...who };
}
