/** What raise.lua is asked, as text; the lines are described there. */
import type { History } from '../limit/history.ts';
import type { Account } from './account.ts';
import type { Arrears } from './meanwhile.ts';

export interface Raised {
  readonly arrears: Arrears;
  /** All that this host knows of the account, what it charged to Redis included. */
  readonly account: Account;
  /** When the account was opened that Redis is known to have; 0: not known. */
  readonly bornUs: number;
}

/** Times become ages: the clocks need not agree. */
export function encodeRaise(accounts: readonly Raised[], nowUs: number): (string | number)[] {
  const ages = (history: History): number[] =>
    history.map((value, i) => (i % 2 === 0 ? age(value) : value));
  const age = (atUs: number): number => Math.max(0, nowUs - atUs);
  const places = (taken: Iterable<readonly [string, number]>): (string | number)[] =>
    Array.from(taken, ([id, sinceUs]) => [id, age(sinceUs)]).flat();
  return accounts.flatMap(({ arrears, account, bornUs }) => {
    const { name, admitted, passed, doubtful, taken, freed } = arrears;
    const doubts = doubtful.flatMap(({ id, atUs, recipients }) => [id, age(atUs), recipients]);
    const { tatUs, intervalUs, keepSec, history, inFlight } = account;
    return [
      name,
      bornUs,
      intervalUs,
      tatUs - nowUs,
      keepSec,
      ...list(ages(admitted)),
      ...list(ages(passed)),
      ...list(doubts),
      ...list(places(taken)),
      ...list([...freed]),
      ...list(ages(history)),
      ...list(ages(account.passed ?? [])),
      ...list(places(inFlight ?? [])),
    ];
  });
}

function list(words: readonly (string | number)[]): readonly (string | number)[] {
  return [words.length, ...words];
}
