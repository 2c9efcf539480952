/**
 * The memory adapter of the store port: one process, one host, a journal in state_dir.
 *
 * Promises across a stop: a clean stop loses nothing. After any other stop every burst counts as
 * spent, and an admission under a quota, or of more recipients than the burst, is in the journal
 * before it is answered, so that a kill at any moment overruns nothing. Two faults at once are not
 * covered: a kill while the disk is full, or while it takes longer for a line than keeper.ts waits.
 */
import { DAY, HOUR, MINUTE, countWithin } from '../limit/history.ts';
import type { Span } from '../limit/history.ts';
import { lastAdmissionUs } from '../limit/forecast.ts';
import type { Standing } from '../limit/standing.ts';
import { accountName, isSendersAccount } from './account-name.ts';
import { emptyAccount, outlivesKill, paceState } from './account.ts';
import { Books } from './books.ts';
import { type Clock, StoreClock } from './clock.ts';
import { inForce } from './control.ts';
import { charge, decide, type Desk } from './decide.ts';
import { Keeper } from './keeper.ts';
import { both } from './ledger.ts';
import type { Ledger } from './ledger.ts';
import type { Disk } from './journal.ts';
import { StoreError } from './store.ts';
import type {
  Adjustment,
  Change,
  ChangeListener,
  Control,
  Demand,
  Store,
  TakeRequest,
  TakeResult,
  Usage,
} from './store.ts';

export interface MemoryOptions {
  /** Where the journal lives; absent: nothing outlives the process. */
  readonly stateDir?: string;
  readonly clock: Clock;
  /** Told, in a sentence, what an administrator should know of: damage, a full disk, its end. */
  readonly onTrouble?: (what: string) => void;
  /** Told too of what is charged. */
  readonly ledger?: Ledger;
  /** For tests: the file operations, to make them fail. */
  readonly disk?: Disk;
}

const TICK_MS = 1000;
const SWEPT_PER_TICK = 2000;

/** Rejects with StoreError when the state directory can't be used. */
export async function openMemoryStore(options: MemoryOptions): Promise<MemoryStore> {
  const books = new Books();
  const clock = new StoreClock(options.clock);
  const keeper =
    options.stateDir === undefined
      ? undefined
      : await Keeper.open(options.stateDir, books, {
          nowUs: () => clock.nowUs(),
          onTrouble: options.onTrouble ?? (() => undefined),
          ...(options.disk === undefined ? {} : { disk: options.disk }),
        });
  return new MemoryStore(books, clock, keeper, options.ledger);
}

export class MemoryStore implements Store {
  readonly kind = 'memory';
  readonly split = undefined;
  /** Where its takes are judged and charged. */
  readonly desk: Desk;
  readonly #books: Books;
  readonly #clock: StoreClock;
  readonly #keeper: Keeper | undefined;
  /** Announced by this host, by account and lane: not kept, the scheduler says it anew. */
  readonly #waiting = new Map<string, readonly number[]>();
  readonly #listeners = new Set<ChangeListener>();
  readonly #timer: NodeJS.Timeout;
  #closed = false;

  constructor(books: Books, clock: StoreClock, keeper?: Keeper, ledger?: Ledger) {
    this.#books = books;
    this.#clock = clock;
    this.#keeper = keeper;
    this.desk = { books, waiting: this.#waiting, ledger: both(keeper, ledger) };
    this.#timer = setInterval(() => {
      this.#books.sweep(this.#clock.nowUs(), SWEPT_PER_TICK);
      this.#keeper?.tick();
    }, TICK_MS).unref();
  }

  now(): Promise<number> {
    return Promise.resolve(this.nowUs());
  }

  nowUs(): number {
    return this.#clock.nowUs();
  }

  async take(request: TakeRequest): Promise<TakeResult> {
    this.#mustBeOpen();
    const result = decide(this.desk, request, this.#clock.nowUs());
    if (this.#keeper !== undefined && result.ok && request.demands.some(outlivesKill)) {
      await this.#keeper.written(request.queued ? 'other' : 'answer');
    }
    return result;
  }

  async forecast(demand: Demand, messages: number): Promise<number> {
    const nowUs = this.#clock.nowUs();
    const control = this.#control(demand.provider, nowUs);
    if (control?.pass !== undefined) return nowUs;
    const fromUs = control?.suspended === undefined ? nowUs : control.suspended.untilUs;
    if (fromUs === undefined) return Infinity;
    const account = this.#books.account(this.#books.nameFor(demand));
    const pace = paceState(account, demand, nowUs, this.#books.uncleanUs);
    const past = { pace, history: account?.history ?? [] };
    return lastAdmissionUs(past, demand.limits, demand.recipients, messages, fromUs);
  }

  async settle(provider: string, id: string): Promise<void> {
    this.#mustBeOpen();
    if (!this.#books.settle(provider, id)) return;
    this.desk.ledger?.noted(provider, ['settled', provider, id]);
    this.#changed(provider, 'place');
  }

  async inFlight(
    provider: string,
  ): Promise<readonly { readonly id: string; readonly sinceUs: number }[]> {
    const tokens = this.#books.accounts.get(provider)?.inFlight ?? new Map<string, number>();
    return Array.from(tokens, ([id, sinceUs]) => ({ id, sinceUs }));
  }

  async charge(demands: readonly Demand[]): Promise<void> {
    this.#mustBeOpen();
    const nowUs = this.#clock.nowUs();
    for (const demand of demands) {
      charge(this.desk, demand, this.#books.nameFor(demand), nowUs, false);
    }
    if (demands.some(outlivesKill)) await this.#keeper?.written('other');
  }

  async announce(provider: string, waiting: readonly number[], sender?: string): Promise<void> {
    const name = accountName(sender === undefined ? { provider } : { provider, sender });
    if (waiting.some((count) => count > 0)) this.#waiting.set(name, [...waiting]);
    else this.#waiting.delete(name);
  }

  async usage(provider: string): Promise<Usage> {
    const nowUs = this.#clock.nowUs();
    const account = this.#books.accounts.get(provider) ?? emptyAccount();
    const { history, passed = [] } = account;
    const sent = (span: Span): number =>
      countWithin(history, span, nowUs) + countWithin(passed, span, nowUs);
    const tat = account.intervalUs === 0 ? {} : { tatUs: account.tatUs };
    return {
      provider,
      minute: sent(MINUTE),
      hour: sent(HOUR),
      day: sent(DAY),
      inFlight: account.inFlight?.size ?? 0,
      ...tat,
    };
  }

  async providers(): Promise<readonly string[]> {
    const { accounts, controls } = this.#books;
    const waiting = [...this.#waiting.keys()].filter((name) => !isSendersAccount(name));
    const others = new Set([...controls.keys(), ...waiting]);
    return [...accounts.keys(), ...[...others].filter((provider) => !accounts.has(provider))];
  }

  async controls(): Promise<ReadonlyMap<string, Control>> {
    const nowUs = this.#clock.nowUs();
    const alive = new Map<string, Control>();
    for (const provider of this.#books.controls.keys()) {
      const control = this.#control(provider, nowUs);
      if (control !== undefined) alive.set(provider, control);
    }
    return alive;
  }

  async setControl(provider: string, control: Control | undefined, why: Adjustment): Promise<void> {
    this.#mustBeOpen();
    this.#books.setControl(provider, control);
    this.#books.adjusted(why);
    this.desk.ledger?.noted(undefined, ['control', provider, control ?? null]);
    this.desk.ledger?.noted(undefined, ['adjustment', why]);
    this.#changed(provider, 'any');
    await this.#keeper?.written('other');
  }

  async standings(): Promise<ReadonlyMap<string, Standing>> {
    return new Map(this.#books.standings);
  }

  async setStanding(
    provider: string,
    seen: number,
    standing: Standing | undefined,
    why: Adjustment | undefined,
  ): Promise<boolean> {
    this.#mustBeOpen();
    if ((this.#books.standings.get(provider)?.epoch ?? 0) !== seen) return false;
    this.#books.setStanding(provider, standing);
    this.desk.ledger?.noted(undefined, ['standing', provider, standing ?? null]);
    if (why !== undefined) {
      this.#books.adjusted(why);
      this.desk.ledger?.noted(undefined, ['adjustment', why]);
    }
    this.#changed(provider, 'any');
    // Whoever told of it keeps that it was told: never before what came of it.
    await this.#keeper?.written('other');
    return true;
  }

  async history(provider: string | undefined, most: number): Promise<readonly Adjustment[]> {
    const { adjustments } = this.#books;
    const found: Adjustment[] = [];
    for (let i = adjustments.length - 1; i >= 0 && found.length < most; i -= 1) {
      const adjustment = adjustments[i]!;
      if (provider === undefined || adjustment.provider === provider) found.push(adjustment);
    }
    return found;
  }

  onChange(listener: ChangeListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#keeper?.close();
  }

  #control(provider: string, nowUs: number): Control | undefined {
    return inForce(this.#books.controls.get(provider), nowUs);
  }

  #changed(provider: string, what: Change): void {
    for (const listener of this.#listeners) listener(provider, what);
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new StoreError('the memory store is closed');
  }
}
