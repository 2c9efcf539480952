import { accountName, isSendersAccount, othersName } from './account-name.ts';
import type { Holder } from './account-name.ts';

/** The names of a pool's keys. The braces put all of them in one slot of a Cluster. */
export interface Keys {
  /** Newest time seen, and how far the clock was ever set back. */
  readonly clock: string;
  /** Provider -> control in JSON. */
  readonly controls: string;
  /** Provider -> what feedback left behind, in JSON. */
  readonly standings: string;
  /** Name of an account -> hosts with mail that waits for it. */
  readonly waiting: string;
  /** Host -> until when it counts as alive. */
  readonly hosts: string;
  /** Providers by the time their account ends. */
  readonly index: string;
  /** Accounts of senders by the time they end. */
  readonly senders: string;
  /** Host -> the last of what it charged after it had gone on by itself. */
  readonly raised: string;
  /** Adjustments in JSON, newest first. */
  readonly adjustments: string;
  /** What changed lately, in order; also the channel on which it is told. */
  readonly changes: string;
  /** By the name of the account. */
  account(name: string): string;
}

export function keysOf(pool: string): Keys {
  const key = (name: string): string => `{${pool}}:${name}`;
  return {
    clock: key('clock'),
    controls: key('controls'),
    standings: key('standings'),
    waiting: key('waiting'),
    hosts: key('hosts'),
    index: key('index'),
    senders: key('senders'),
    raised: key('raised'),
    adjustments: key('adjustments'),
    changes: key('changes'),
    account: (name) => key(`${isSendersAccount(name) ? 's' : 'p'}:${name}`),
  };
}

/** The keys of take.lua, in its order. */
export function takeKeys(keys: Keys, holders: readonly Holder[]): readonly string[] {
  const { clock, controls, waiting, hosts, index, senders } = keys;
  const accounts = holders.map((holder) => keys.account(accountName(holder)));
  const shared = holders
    .filter(({ sender }) => sender !== undefined)
    .map((holder) => keys.account(othersName(holder)));
  return [clock, controls, waiting, hosts, index, senders, ...accounts, ...shared];
}
