/**
 * The Redis adapter: one pool of limits for all hosts that send from one address. Each take is one
 * script, so that it is atomic over every limit of every provider, at Redis's own time. A command that fails is never sent again. One that was not answered in time may still have been
 * charged: that costs its intervals, and never lets more through than was promised.
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
import { RedisDecisions } from './redis-decisions.ts';
import { keysOf, takeKeys } from './redis-keys.ts';
import type { Keys } from './redis-keys.ts';
import { RedisPool } from './redis-pool.ts';
import { decodeAccount, decodeTake, encodeDemands } from './redis-reply.ts';
import type { AccountReading } from './redis-reply.ts';
import { loadScripts } from './redis-scripts.ts';
import type { Scripts } from './redis-scripts.ts';
import type { RedisServer } from './redis-server.ts';
import type {
  Adjustment,
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
}

const ANSWER_MS = 200;

/** Rejects with StoreError when Redis does not answer, within five seconds. */
export async function openRedisStore(options: RedisStoreOptions): Promise<Store> {
  const keys = keysOf(options.pool);
  const scripts = loadScripts();
  let store: RedisStore | undefined;
  const events = {
    onReturn: () => store?.pool.returned(),
    onTold: (instance: string) => store?.pool.told(instance),
  };
  const { server, answerMs = ANSWER_MS } = options;
  const connection = await RedisConnection.open(server, keys.changes, events, answerMs);
  store = new RedisStore(connection, keys, scripts, options.host);
  try {
    await store.pool.join();
  } catch (error) {
    await store.close();
    throw error;
  }
  return store;
}

class RedisStore implements Store {
  readonly kind = 'redis';
  readonly #connection: RedisConnection;
  readonly #keys: Keys;
  readonly #scripts: Scripts;
  readonly #instance = randomBytes(8).toString('hex');
  readonly pool: RedisPool;
  readonly #decisions: RedisDecisions;
  readonly #listeners = new Set<(provider: string) => void>();

  constructor(connection: RedisConnection, keys: Keys, scripts: Scripts, host: string) {
    this.#connection = connection;
    this.#keys = keys;
    this.#scripts = scripts;
    this.#decisions = new RedisDecisions({
      connection,
      keys,
      scripts,
      instance: this.#instance,
      onChange: (provider) => this.#changed(provider),
    });
    this.pool = new RedisPool({
      connection,
      keys,
      scripts,
      host,
      instance: this.#instance,
      onChange: (provider) => this.#changed(provider),
      onGap: () => void this.#allChanged(),
    });
  }

  async now(): Promise<number> {
    const [sec, us] = await this.#connection.ask((client) => client.time());
    return Number(sec) * 1e6 + Number(us);
  }

  async take({ id, lane, queued, demands }: TakeRequest): Promise<TakeResult> {
    if (demands.length === 0) {
      return { ok: true, nowUs: await this.now(), debts: [], exceeded: [] };
    }
    const reply = await this.#take(demands, ['take', id, lane, queued ? 1 : 0]);
    return decodeTake(reply, demands);
  }

  async charge(demands: readonly Demand[]): Promise<void> {
    if (demands.length > 0) await this.#take(demands, ['charge', '', 0, 1]);
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
      this.#changed(provider);
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
    return [...new Set([...accounts, ...controlled, ...waiting])];
  }

  controls(): Promise<ReadonlyMap<string, Control>> {
    return this.#decisions.controls();
  }

  setControl(provider: string, control: Control | undefined, why: Adjustment): Promise<void> {
    return this.#decisions.setControl(provider, control, why);
  }

  standings(): Promise<ReadonlyMap<string, Standing>> {
    return this.#decisions.standings();
  }

  setStanding(
    provider: string,
    seen: number,
    standing: Standing | undefined,
    why: Adjustment | undefined,
  ): Promise<boolean> {
    return this.#decisions.setStanding(provider, seen, standing, why);
  }

  history(provider: string | undefined, most: number): Promise<readonly Adjustment[]> {
    return this.#decisions.history(provider, most);
  }

  onChange(listener: (provider: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.pool.leave();
    this.#connection.close();
  }

  #take(demands: readonly Demand[], head: readonly (string | number)[]): Promise<unknown> {
    return this.#connection.run(this.#scripts.take, takeKeys(this.#keys, demands), [
      ...head,
      ...encodeDemands(demands),
    ]);
  }

  async #read(holder: Holder): Promise<AccountReading> {
    const { clock, controls, hosts } = this.#keys;
    const keys = [clock, controls, hosts, this.#keys.account(accountName(holder))];
    return decodeAccount(await this.#connection.run(this.#scripts.read, keys, [holder.provider]));
  }

  #changed(provider: string): void {
    for (const listener of this.#listeners) listener(provider);
  }

  /** What was known here counts too: a Redis that lost everything knows of nothing to look at. */
  async #allChanged(): Promise<void> {
    try {
      const known = [...(await this.providers()), ...this.pool.announced, ...this.#decisions.known];
      for (const provider of new Set(known)) this.#changed(provider);
    } catch {
      // It is gone again: its next return tells.
    }
  }
}
