/**
 * Everything the memory store knows: accounts, controls, adjustments. Rebuilt from the journal's
 * lines, and written out as lines again.
 */
import { Buffer } from 'node:buffer';
import { readStanding, shiftedStanding, type Standing } from '../limit/standing.ts';
import { isSendersAccount, MOST_SENDERS, accountName, othersName } from './account-name.ts';
import type { Holder } from './account-name.ts';
import { emptyAccount, isClear } from './account.ts';
import type { Account } from './account.ts';
import { inForce, shifted } from './control.ts';
import type { Line } from './line.ts';
import type { Adjustment, Control } from './store.ts';

/** How many adjustments are kept; the oldest go first. */
export const MOST_ADJUSTMENTS = 10_000;

export class Books {
  /** The providers' own. */
  readonly accounts = new Map<string, Account>();
  /** Those of senders at a provider. */
  readonly senders = new Map<string, Account>();
  readonly controls = new Map<string, Control>();
  /** What feedback left behind. */
  readonly standings = new Map<string, Standing>();
  /** Oldest first. */
  readonly adjustments: Adjustment[] = [];
  /** When the store last started without a clean stop before. */
  uncleanUs: number | undefined;
  /** Since when Redis, of which these are the mirror, is away: it does not know what came later. */
  awayUs: number | undefined;
  #sweep: Iterator<[string, Account]> | undefined;

  /** The account to which a demand is charged, by its name. */
  nameFor(holder: Holder): string {
    const name = accountName(holder);
    const isNew = holder.sender !== undefined && !this.senders.has(name);
    return isNew && this.senders.size >= MOST_SENDERS ? othersName(holder) : name;
  }

  account(name: string): Account | undefined {
    return this.#all(name).get(name);
  }

  /** The account with this name, opened if there is none. */
  open(name: string): Account {
    const all = this.#all(name);
    let account = all.get(name);
    if (account === undefined) {
      account = emptyAccount();
      all.set(copied(name), account);
    }
    return account;
  }

  #all(name: string): Map<string, Account> {
    return isSendersAccount(name) ? this.senders : this.accounts;
  }

  setControl(provider: string, control: Control | undefined): void {
    if (control === undefined) this.controls.delete(provider);
    else this.controls.set(provider, control);
  }

  setStanding(provider: string, standing: Standing | undefined): void {
    if (standing === undefined) this.standings.delete(provider);
    else this.standings.set(provider, standing);
  }

  adjusted(adjustment: Adjustment): void {
    this.adjustments.push(adjustment);
    // Not one by one: the oldest tenth goes at a time.
    if (this.adjustments.length > MOST_ADJUSTMENTS * 1.1) {
      this.adjustments.splice(0, this.adjustments.length - MOST_ADJUSTMENTS);
    }
  }

  /** Applies one line of a journal. */
  apply(line: Line): void {
    switch (line[0]) {
      case 'time':
      case 'stop':
        return;
      case 'unclean':
        this.uncleanUs = Math.max(this.uncleanUs ?? 0, line[1]);
        return;
      case 'away':
        this.awayUs = line[1] === 0 ? undefined : line[1];
        return;
      case 'account': {
        const [, provider, tatUs, intervalUs, keepSec, history, passed, inFlight] = line;
        this.#all(provider).set(provider, {
          tatUs,
          intervalUs,
          keepSec,
          history: [...history],
          passed: passed.length === 0 ? undefined : [...passed],
          inFlight: inFlight.length === 0 ? undefined : new Map(inFlight),
          bornUs: 0,
        });
        return;
      }
      case 'sent': {
        const [, provider, tatUs, intervalUs, keepSec, added, passed] = line;
        const account = this.open(provider);
        account.tatUs = tatUs;
        account.intervalUs = intervalUs;
        account.keepSec = keepSec;
        account.history.push(...added);
        if (passed.length > 0) account.passed = [...(account.passed ?? []), ...passed];
        return;
      }
      case 'flight': {
        const [, provider, id, sinceUs] = line;
        const account = this.open(provider);
        account.inFlight = (account.inFlight ?? new Map<string, number>()).set(id, sinceUs);
        return;
      }
      case 'settled':
        this.settle(line[1], line[2]);
        return;
      case 'control':
        this.setControl(line[1], line[2] ?? undefined);
        return;
      case 'standing':
        this.setStanding(line[1], readStanding(line[2]));
        return;
      case 'adjustment':
        this.adjusted(line[1]);
        return;
      default:
        line satisfies never;
    }
  }

  /** True when the message was in flight there. */
  settle(provider: string, id: string): boolean {
    const account = this.accounts.get(provider);
    if (account?.inFlight === undefined || !account.inFlight.delete(id)) return false;
    if (account.inFlight.size === 0) account.inFlight = undefined;
    return true;
  }

  /** An account as a line; undefined when there is none (any more). */
  accountLine(name: string): Line | undefined {
    const account = this.account(name);
    if (account === undefined) return undefined;
    const { tatUs, intervalUs, keepSec, history, passed = [], inFlight = [] } = account;
    return ['account', name, tatUs, intervalUs, keepSec, history, passed, [...inFlight]];
  }

  /**
   * All lines that a new journal needs; may be read slowly while the books go on changing. The
   * adjustments are those of now: what is added later must not come twice.
   */
  lines(nowUs: number): Generator<Line> {
    return this.#lines(nowUs, this.adjustments.slice(-MOST_ADJUSTMENTS));
  }

  *#lines(nowUs: number, adjustments: readonly Adjustment[]): Generator<Line> {
    yield ['time', nowUs];
    if (this.uncleanUs !== undefined) yield ['unclean', this.uncleanUs];
    if (this.awayUs !== undefined) yield ['away', this.awayUs];
    for (const adjustment of adjustments) yield ['adjustment', adjustment];
    for (const [provider, control] of this.controls) {
      if (inForce(control, nowUs) !== undefined) yield ['control', provider, control];
    }
    for (const [provider, standing] of this.standings) yield ['standing', provider, standing];
    for (const [name, account] of this.#entries()) {
      const line = isClear(account, nowUs) ? undefined : this.accountLine(name);
      if (line !== undefined) yield line;
    }
  }

  *#entries(): Generator<[string, Account]> {
    yield* this.accounts;
    yield* this.senders;
  }

  /** Looks at `most` accounts, in turn, and forgets those that owe nothing. */
  sweep(nowUs: number, most: number): void {
    this.#sweep ??= this.#entries();
    for (let i = 0; i < most; i += 1) {
      const next = this.#sweep.next();
      if (next.done === true) {
        this.#sweep = undefined;
        return;
      }
      const [name, account] = next.value;
      if (isClear(account, nowUs)) this.#all(name).delete(name);
    }
  }

  /** Moves every time but those of the adjustments: they tell what a clock said then. */
  shift(byUs: number): void {
    for (const [, account] of this.#entries()) {
      if (account.tatUs > 0) account.tatUs += byUs;
      account.history = movedPairs(account.history, byUs);
      if (account.passed !== undefined) account.passed = movedPairs(account.passed, byUs);
      for (const [id, sinceUs] of account.inFlight ?? []) {
        account.inFlight?.set(id, sinceUs + byUs);
      }
    }
    for (const [provider, control] of this.controls) {
      this.controls.set(provider, shifted(control, byUs));
    }
    for (const [provider, standing] of this.standings) {
      this.standings.set(provider, shiftedStanding(standing, byUs / 1e3));
    }
    if (this.uncleanUs !== undefined) this.uncleanUs += byUs;
    if (this.awayUs !== undefined) this.awayUs += byUs;
  }
}

/** A piece of a longer text keeps all of it in memory: a copy is kept of the name alone. */
function copied(name: string): string {
  return Buffer.from(name, 'utf16le').toString('utf16le');
}

function movedPairs(pairs: readonly number[], byUs: number): number[] {
  return pairs.map((value, i) => (i % 2 === 0 ? value + byUs : value));
}
