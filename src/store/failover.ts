/**
 * Redis, and this host by itself while Redis is away. Everything that Redis answers is mirrored here;
 * when it fails, mail is decided on from the mirror, at once. When it is back, what was admitted
 * meanwhile is charged to it, every debt becomes the larger of the two, and it is asked again.
 * Nothing that failed is sent again, and no mail waits for better times: it is decided on once.
 *
 * While hosts are split each keeps every limit by itself: H of them admit at most H times of each.
 */
import type { Standing } from '../limit/standing.ts';
import { FailoverDecisions } from './failover-decisions.ts';
import { FailoverTakes } from './failover-takes.ts';
import type { Meanwhile } from './meanwhile.ts';
import type { MemoryStore } from './memory.ts';
import { Mirror } from './mirror.ts';
import { OwnDecisions } from './own-decisions.ts';
import { Raiser } from './raiser.ts';
import type { RedisHooks } from './redis-link.ts';
import { RedisLink } from './redis-link.ts';
import type { RedisStore } from './redis.ts';
import { Rejoin } from './rejoin.ts';
import type {
  Adjustment,
  Change,
  ChangeListener,
  Control,
  Demand,
  Split,
  Store,
  TakeRequest,
  TakeResult,
  Usage,
} from './store.ts';

export interface FailoverParts {
  readonly memory: MemoryStore;
  /** The ledger that the memory store tells. */
  readonly meanwhile: Meanwhile;
  /** What the ids of this host's messages begin with. */
  readonly host: string;
  /** How long a verdict waits for Redis. */
  readonly answerMs: number;
  /** Rejects with StoreError while Redis is away. */
  readonly connect: (hooks: RedisHooks) => Promise<RedisStore>;
  /** Once when Redis is lost, or not there at the start. */
  readonly onAway: (split: Split) => void;
  /** Once when it is back, after so many microseconds. */
  readonly onBack: (awayUs: number) => void;
}

/** Places of a host that is not heard of count for as long in Redis: LEASE_US in account.lua. */
const LEASE_MS = 120_000;

export class FailoverStore implements Store {
  readonly kind = 'redis';
  readonly #parts: FailoverParts;
  readonly #memory: MemoryStore;
  readonly #mirror: Mirror;
  readonly #takes: FailoverTakes;
  readonly #decisions: FailoverDecisions;
  readonly #rejoin: Rejoin;
  readonly #link: RedisLink;
  readonly #listeners = new Set<ChangeListener>();
  /** Providers about which something was decided when Redis was last lost. */
  #decided: readonly string[] = [];
  #lease: NodeJS.Timeout | undefined;

  private constructor(parts: FailoverParts) {
    const { memory, meanwhile } = parts;
    const nowUs = (): number => memory.nowUs();
    this.#parts = parts;
    this.#memory = memory;
    this.#mirror = new Mirror(memory.desk, nowUs);
    const raiser = new Raiser(memory.desk.books, meanwhile, nowUs);
    const mirror = this.#mirror;
    const decisions = new OwnDecisions(memory, mirror);
    this.#rejoin = new Rejoin({ ...parts, mirror, raiser, decisions });
    this.#link = new RedisLink({
      nowUs,
      connect: async (hooks) => {
        const redis = await parts.connect(hooks);
        redis.onChange((provider, what) => this.#changed(provider, what));
        return redis;
      },
      rejoin: (redis, joined) => this.#rejoin.run(redis, joined),
      onForgotten: (redis, forgotten) => this.#decisions.forgotten(redis, forgotten),
      onDoubt: (sinceUs) => {
        this.#decided = this.#decidedNow();
        this.#rejoin.away(sinceUs);
      },
      onAway: (split) => this.#away(split),
      onJoined: (split) => this.#joined(split),
    });
    this.#takes = new FailoverTakes({ ...parts, mirror, raiser, link: this.#link });
    this.#decisions = new FailoverDecisions({ memory, mirror, link: this.#link, own: decisions });
    memory.onChange((provider, what) => this.#changed(provider, what));
  }

  /** Tries Redis once, and goes on without it where it is away. */
  static async open(parts: FailoverParts): Promise<FailoverStore> {
    const store = new FailoverStore(parts);
    parts.meanwhile.records = true;
    store.#rejoin.inherit();
    await store.#link.open();
    return store;
  }

  get split(): Split | undefined {
    return this.#link.split;
  }

  take(request: TakeRequest): Promise<TakeResult> {
    return this.#takes.take(request);
  }

  charge(demands: readonly Demand[]): Promise<void> {
    return this.#takes.charge(demands);
  }

  async settle(provider: string, id: string): Promise<void> {
    const { redis } = this.#link;
    if (redis !== undefined) {
      this.#mirror.settled(provider, id);
      try {
        return await redis.settle(provider, id);
      } catch (error) {
        this.#link.failed(error);
        this.#changed(provider, 'place');
      }
    }
    this.#parts.meanwhile.freed(provider, id);
    await this.#memory.settle(provider, id);
  }

  async announce(provider: string, waiting: readonly number[], sender?: string): Promise<void> {
    await this.#memory.announce(provider, waiting, sender);
    try {
      // While it is away: said when it is back.
      await this.#link.redis?.announce(provider, waiting, sender);
    } catch (error) {
      this.#link.failed(error);
    }
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

  now(): Promise<number> {
    return this.#link.either(this.#memory, (store) => store.now());
  }

  forecast(demand: Demand, messages: number): Promise<number> {
    return this.#link.either(this.#memory, (store) => store.forecast(demand, messages));
  }

  inFlight(provider: string): ReturnType<Store['inFlight']> {
    return this.#link.either(this.#memory, (store) => store.inFlight(provider));
  }

  usage(provider: string): Promise<Usage> {
    return this.#link.either(this.#memory, (store) => store.usage(provider));
  }

  providers(): Promise<readonly string[]> {
    return this.#link.either(this.#memory, (store) => store.providers());
  }

  history(provider: string | undefined, most: number): Promise<readonly Adjustment[]> {
    return this.#link.either(this.#memory, (store) => store.history(provider, most));
  }

  onChange(listener: ChangeListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    clearTimeout(this.#lease);
    await this.#link.close();
    await this.#memory.close();
  }

  #away(split: Split): void {
    this.#rejoin.away(split.sinceUs);
    this.#leaseOthers(true);
    this.#parts.onAway(split);
    this.#allChanged();
  }

  #joined(split: Split | undefined): void {
    this.#leaseOthers(false);
    if (split !== undefined) this.#parts.onBack(this.#memory.nowUs() - split.sinceUs);
    this.#allChanged();
  }

  /** Places of other hosts count for as long as they would in Redis. */
  #leaseOthers(isAway: boolean): void {
    clearTimeout(this.#lease);
    this.#takes.othersCount = isAway;
    if (!isAway) return;
    this.#lease = setTimeout(() => {
      this.#takes.othersCount = false;
      this.#allChanged();
    }, LEASE_MS).unref();
  }

  /** Who waits is decided on elsewhere from now on; what others decided meanwhile is known only now. */
  #allChanged(): void {
    const { waiting } = this.#memory.desk;
    const waits = Array.from(waiting.keys(), (name) => name.split(' ', 1)[0] ?? name);
    for (const provider of new Set([...waits, ...this.#decided, ...this.#decidedNow()])) {
      this.#changed(provider, 'any');
    }
  }

  #decidedNow(): readonly string[] {
    const { controls, standings } = this.#memory.desk.books;
    return [...controls.keys(), ...standings.keys()];
  }

  #changed(provider: string, what: Change): void {
    for (const listener of this.#listeners) listener(provider, what);
  }
}
