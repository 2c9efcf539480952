/**
 * The way to Redis, with a breaker in it: who asks is told whether there is one. While it is open
 * Redis is tried in the background, and joined again when it answers.
 */
import { breakerAfter, CLOSED } from './breaker.ts';
import type { Breaker } from './breaker.ts';
import type { Forgotten } from './redis-pool.ts';
import type { RedisStore } from './redis.ts';
import { StoreError } from './store.ts';
import type { Split, Store } from './store.ts';

/** What Redis says by itself. */
export interface RedisHooks {
  /** It did not answer a sign of life. */
  readonly onTrouble: (error: unknown) => void;
  /** What was decided about providers is not there, if it ever was. */
  readonly onForgotten: (forgotten: Forgotten) => void;
}

export interface LinkParts {
  readonly nowUs: () => number;
  /** Rejects with StoreError while Redis is away. */
  readonly connect: (hooks: RedisHooks) => Promise<RedisStore>;
  /**
   * Tells Redis what it does not know. Calls `joined` at the moment from which it is to be asked.
   * Rejects with StoreError.
   */
  readonly rejoin: (redis: RedisStore, joined: () => void) => Promise<void>;
  readonly onForgotten: (redis: RedisStore, forgotten: Forgotten) => void;
  /** It is not asked from now on. */
  readonly onDoubt: (sinceUs: number) => void;
  /** It is away: this host goes on by itself. */
  readonly onAway: (split: Split) => void;
  /** It is asked again; `split`: after it was away. */
  readonly onJoined: (split: Split | undefined) => void;
}

/** Attempts on one connection before another is made. */
const PATIENCE = 4;

export class RedisLink {
  readonly #parts: LinkParts;
  #breaker: Breaker;
  #redis: RedisStore | undefined;
  /** As it was told. */
  #away: Split | undefined;
  #isTrying = false;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(parts: LinkParts) {
    this.#parts = parts;
    const failed = { kind: 'failed', atUs: parts.nowUs(), why: 'not connected yet' } as const;
    this.#breaker = breakerAfter(CLOSED, failed);
  }

  /** Tries once; Redis may be away then. */
  async open(): Promise<void> {
    await this.#try();
  }

  /** undefined: it is not to be asked. */
  get redis(): RedisStore | undefined {
    return this.#breaker.kind === 'closed' ? this.#redis : undefined;
  }

  /** It failed a moment ago, and was not tried again yet. */
  get isDoubted(): boolean {
    return this.#breaker.kind === 'doubted';
  }

  get split(): Split | undefined {
    if (this.#breaker.kind !== 'open') return undefined;
    const { sinceUs, why } = this.#breaker;
    return { sinceUs, why };
  }

  /** What is only read: of Redis, or of `own` where it does not answer. */
  async either<T>(own: Store, read: (store: Store) => Promise<T>): Promise<T> {
    const { redis } = this;
    if (redis === undefined) return read(own);
    try {
      return await read(redis);
    } catch (error) {
      this.failed(error);
      return read(own);
    }
  }

  /** Something that was asked failed. Throws what is not a StoreError: that is a bug. */
  failed(error: unknown): void {
    if (!(error instanceof StoreError)) throw error;
    if (this.#closed || this.#breaker.kind !== 'closed') return;
    this.#note(error);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#redis?.close();
  }

  #note(error: StoreError): void {
    const failed = { kind: 'failed', atUs: this.#parts.nowUs(), why: error.message } as const;
    this.#breaker = breakerAfter(this.#breaker, failed);
    this.#plan();
    const { split } = this;
    if (this.#breaker.kind === 'doubted') this.#parts.onDoubt(failed.atUs);
    if (split === undefined || this.#away !== undefined) return;
    this.#away = split;
    this.#parts.onAway(split);
  }

  #plan(): void {
    clearTimeout(this.#timer);
    if (this.#closed || this.#isTrying || this.#breaker.kind === 'closed') return;
    const waitUs = Math.max(0, this.#breaker.nextTryUs - this.#parts.nowUs());
    this.#timer = setTimeout(() => void this.#try(), Math.ceil(waitUs / 1000));
  }

  /** Never rejects but for a bug. */
  async #try(): Promise<void> {
    this.#isTrying = true;
    try {
      const redis = (this.#redis ??= await this.#connect());
      if (!this.#closed) await this.#parts.rejoin(redis, () => this.#joined());
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      const before = this.#breaker;
      this.#note(error);
      if (before.kind === 'open' && before.tried % PATIENCE === 0) this.#redis?.reconnect();
    } finally {
      this.#isTrying = false;
      this.#plan();
    }
  }

  async #connect(): Promise<RedisStore> {
    const redis = await this.#parts.connect({
      onTrouble: (error) => this.failed(error),
      onForgotten: (what) => this.#redis && this.#parts.onForgotten(this.#redis, what),
    });
    if (this.#closed) await redis.close();
    return redis;
  }

  #joined(): void {
    this.#breaker = breakerAfter(this.#breaker, { kind: 'joined' });
    const away = this.#away;
    this.#away = undefined;
    this.#parts.onJoined(away);
  }
}
