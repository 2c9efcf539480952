/**
 * The Redis adapter: one pool of limits for all hosts that send from one address. Each take is one
 * script, so that it is atomic over every limit of every provider, at Redis's own time. A command that
 * fails is never sent again. One that was not answered in time may still have been charged: that
 * costs its intervals, and never lets more through than was promised.
 */
import { randomBytes } from 'node:crypto';
import type { Standing } from '../limit/standing.ts';
import { countWithin, DAY, HOUR, MINUTE } from '../limit/history.ts';
import type { Span } from '../limit/history.ts';
import { lastAdmissionUs } from '../limit/forecast.ts';
import { accountName, isSendersAccount } from './account-name.ts';
import type { Holder } from './account-name.ts';
import { inForce } from './control.ts';
import { RedisConnection } from './redis-connection.ts';
import { isProvider, RedisDecisions } from './redis-decisions.ts';
import { keysOf } from './redis-keys.ts';
import type { Keys } from './redis-keys.ts';
import { RedisPool } from './redis-pool.ts';
import type { Forgotten } from './redis-pool.ts';
import { decodeAccount } from './redis-reply.ts';
import type { AccountReading } from './redis-reply.ts';
import { loadScripts } from './redis-scripts.ts';
import type { Scripts } from './redis-scripts.ts';
import type { RedisServer } from './redis-server.ts';
import { judged, RedisTakes } from './redis-takes.ts';
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

export interface RedisStoreOptions {
  readonly server: RedisServer;
  /** Hosts of one pool share their limits. Letters, digits, `.`, `_`, `-`. */
  readonly pool: string;
  /** This host, unlike all others of the pool: what the ids of its messages begin with. */
  readonly host: string;
  /** How long an answer is waited for; 200 ms, since a verdict asks once and is due within 250 ms. */
  readonly answerMs?: number;
  /** How long it is waited for at the start; 5,000 ms. */
  readonly openMs?: number;
  /** This machine's clock: what was asked is not charged when nobody waits for the answer any more. */
  readonly nowUs?: () => number;
  /** It did not answer, and nobody had asked but we. */
  readonly onTrouble?: (error: unknown) => void;
  /** Nothing was ever decided about any provider; or that is gone from Redis. */
  readonly onForgotten?: (forgotten: Forgotten) => void;
}

export const ANSWER_MS = 200;
const OPEN_MS = 5000;

/** Rejects with StoreError when Redis does not answer, within `openMs`. */
export async function openRedisStore(options: RedisStoreOptions): Promise<RedisStore> {
  const keys = keysOf(options.pool);
  const scripts = loadScripts();
  let store: RedisStore | undefined;
  const events = {
    onReturn: () => store?.pool.returned(),
    onTold: (instance: string) => store?.pool.told(instance),
  };
  const { server, answerMs = ANSWER_MS, openMs = OPEN_MS } = options;
  const waits = { answerMs, openMs };
  const connection = await RedisConnection.open(server, keys.changes, events, waits);
  store = new RedisStore({ ...options, answerMs, connection, keys, scripts });
  try {
    await store.pool.join();
  } catch (error) {
    await store.close();
    throw error;
  }
  return store;
}

interface RedisStoreParts extends Omit<RedisStoreOptions, 'server' | 'pool'> {
  readonly answerMs: number;
  readonly connection: RedisConnection;
  readonly keys: Keys;
  readonly scripts: Scripts;
}

export class RedisStore implements Store {
  readonly kind = 'redis';
  readonly split = undefined;
  readonly pool: RedisPool;
  /** Takes and charges, told in full. */
  readonly takes: RedisTakes;
  readonly #connection: RedisConnection;
  readonly #keys: Keys;
  readonly #scripts: Scripts;
  readonly #instance = randomBytes(8).toString('hex');
  /** Controls and standings, told in full. */
  readonly decisions: RedisDecisions;
  readonly #listeners = new Set<ChangeListener>();

  constructor(parts: RedisStoreParts) {
    this.#connection = parts.connection;
    this.#keys = parts.keys;
    this.#scripts = parts.scripts;
    const instance = this.#instance;
    this.takes = new RedisTakes({ ...parts, instance });
    // Another daemon does not say whether it was only a place.
    const onChange = (provider: string): void => this.#changed(provider, 'any');
    this.decisions = new RedisDecisions({ ...parts, instance, onChange });
    this.pool = new RedisPool({
      ...parts,
      instance,
      onChange,
      onGap: () => void this.#allChanged(),
    });
  }

  now(): Promise<number> {
    return this.#connection.nowUs();
  }

  async take({ id, lane, queued, demands }: TakeRequest): Promise<TakeResult> {
    if (demands.length === 0) {
      return { ok: true, nowUs: await this.now(), debts: [], exceeded: [] };
    }
    return judged(await this.takes.take({ id, lane, queued, demands })).result;
  }

  async charge(demands: readonly Demand[]): Promise<void> {
    if (demands.length > 0) judged(await this.takes.charge(demands));
  }

  async forecast(demand: Demand, messages: number): Promise<number> {
    const { nowUs, control: set, pace, history } = await this.#read(demand);
    const control = inForce(set, nowUs);
    if (control?.pass !== undefined) return nowUs;
    const fromUs = control?.suspended === undefined ? nowUs : control.suspended.untilUs;
    if (fromUs === undefined) return Infinity;
    const past = { pace, history };
    return lastAdmissionUs(past, demand.limits, demand.recipients, messages, fromUs);
  }

  async settle(provider: string, id: string): Promise<void> {
    const { clock, index, changes } = this.#keys;
    const keys = [clock, index, changes, this.#keys.account(provider)];
    const args = [provider, id, this.#instance];
    if ((await this.#connection.run(this.#scripts.settle, keys, args)) === 1) {
      this.#changed(provider, 'place');
    }
  }

  async inFlight(
    provider: string,
  ): Promise<readonly { readonly id: string; readonly sinceUs: number }[]> {
    return (await this.#read({ provider })).tokens;
  }

  announce(provider: string, waiting: readonly number[], sender?: string): Promise<void> {
    const name = accountName(sender === undefined ? { provider } : { provider, sender });
    return this.pool.announce(name, waiting);
  }

  async usage(provider: string): Promise<Usage> {
    const { nowUs, pace, history, passed, places } = await this.#read({ provider });
    const sent = (span: Span): number =>
      countWithin(history, span, nowUs) + countWithin(passed, span, nowUs);
    return {
      provider,
      minute: sent(MINUTE),
      hour: sent(HOUR),
      day: sent(DAY),
      inFlight: places,
      ...(pace !== undefined && { tatUs: pace.tatUs }),
    };
  }

  async providers(): Promise<readonly string[]> {
    const { index, controls, waiting: waits } = this.#keys;
    const nowMs = Math.floor((await this.now()) / 1e3);
    const [accounts, controlled, announced] = await Promise.all([
      this.#connection.ask((client) => client.zrangebyscore(index, nowMs, '+inf')),
      this.#connection.ask((client) => client.hkeys(controls)),
      this.#connection.ask((client) => client.hkeys(waits)),
    ]);
    const waiting = announced.filter((name) => !isSendersAccount(name));
    return [...new Set([...accounts, ...controlled.filter(isProvider), ...waiting])];
  }

  controls(): Promise<ReadonlyMap<string, Control>> {
    return this.decisions.controls();
  }

  setControl(provider: string, control: Control | undefined, why: Adjustment): Promise<void> {
    return this.decisions.setControl(provider, control, why);
  }

  standings(): Promise<ReadonlyMap<string, Standing>> {
    return this.decisions.standings();
  }

  setStanding(
    provider: string,
    seen: number,
    standing: Standing | undefined,
    why: Adjustment | undefined,
  ): Promise<boolean> {
    return this.decisions.setStanding(provider, seen, standing, why === undefined ? [] : [why]);
  }

  history(provider: string | undefined, most: number): Promise<readonly Adjustment[]> {
    return this.decisions.history(provider, most);
  }

  onChange(listener: ChangeListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Connects anew: what was sent and not answered is given up. */
  reconnect(): void {
    this.#connection.reconnect();
  }

  async close(): Promise<void> {
    this.pool.leave();
    this.#connection.close();
  }

  async #read(holder: Holder): Promise<AccountReading> {
    const { clock, controls, hosts } = this.#keys;
    const keys = [clock, controls, hosts, this.#keys.account(accountName(holder))];
    return decodeAccount(await this.#connection.run(this.#scripts.read, keys, [holder.provider]));
  }

  #changed(provider: string, what: Change): void {
    for (const listener of this.#listeners) listener(provider, what);
  }

  /** What was known here counts too: a Redis that lost everything knows of nothing to look at. */
  async #allChanged(): Promise<void> {
    try {
      const known = [...(await this.providers()), ...this.pool.announced, ...this.decisions.known];
      for (const provider of new Set(known)) this.#changed(provider, 'any');
    } catch {
      // It is gone again: its next return tells.
    }
  }
}
