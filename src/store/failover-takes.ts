/** Takes and charges, of Redis where it answers, else of this host by itself. */
import { accountName } from './account-name.ts';
import { inTime } from './deadline.ts';
import type { Meanwhile } from './meanwhile.ts';
import type { MemoryStore } from './memory.ts';
import type { Mirror } from './mirror.ts';
import type { Raiser } from './raiser.ts';
import type { RedisLink } from './redis-link.ts';
import type { RedisAnswer } from './redis-reply.ts';
import type { RedisStore } from './redis.ts';
import { StoreError } from './store.ts';
import type { Demand, TakeRequest, TakeResult } from './store.ts';

export interface FailoverTakesParts {
  readonly memory: MemoryStore;
  readonly meanwhile: Meanwhile;
  readonly mirror: Mirror;
  readonly raiser: Raiser;
  readonly link: RedisLink;
  /** How long a verdict waits for Redis. */
  readonly answerMs: number;
}

/** An attempt takes about as long. */
const HICCUP_US = 100_000;
/** A take is asked again so often after an account that Redis lost was raised. */
const ATTEMPTS = 3;

export class FailoverTakes {
  readonly #parts: FailoverTakesParts;
  /** By itself: places that other hosts are known to have are theirs. */
  othersCount = false;

  constructor(parts: FailoverTakesParts) {
    this.#parts = parts;
  }

  async take(request: TakeRequest): Promise<TakeResult> {
    const { meanwhile, mirror, link, answerMs } = this.#parts;
    const { redis } = link;
    const { id, demands } = request;
    if (redis === undefined || demands.length === 0) return this.#takeHere(request);
    try {
      return await inTime(answerMs, async (isLate) => {
        const ask = () => redis.takes.take(request, (demand) => mirror.birthOf(demand));
        const answer = await this.#judged(redis, ask, isLate);
        // Too late it is decided already, without Redis.
        if (!isLate()) meanwhile.known(() => mirror.taken(request, answer));
        return answer.result;
      });
    } catch (error) {
      link.failed(error);
      // Redis may have charged it. When it is back, the message's place there tells.
      const result = await meanwhile.doubting(id, () => this.#takeHere(request));
      if (!result.ok) meanwhile.refused(demands, id);
      return result;
    }
  }

  #takeHere(request: TakeRequest): Promise<TakeResult> {
    const { memory, link } = this.#parts;
    const [first] = request.demands;
    if (first === undefined || !link.isDoubted) return memory.take(this.#byItself(request));
    // It waits until it is known whether Redis is away: a hiccup must not make two limits of one.
    const nowUs = memory.nowUs();
    const cause = { kind: 'away', provider: first.provider } as const;
    const retryAtUs = nowUs + HICCUP_US;
    return Promise.resolve({ ok: false, nowUs, retryAtUs, cause, debts: [] });
  }

  async charge(demands: readonly Demand[]): Promise<void> {
    const { memory, meanwhile, mirror, link } = this.#parts;
    const { redis } = link;
    if (redis === undefined || demands.length === 0) return memory.charge(demands);
    try {
      const ask = () => redis.takes.charge(demands, (demand) => mirror.birthOf(demand));
      const answer = await this.#judged(redis, ask, () => false);
      meanwhile.known(() => mirror.charged(demands, answer));
    } catch (error) {
      link.failed(error);
      await memory.charge(demands);
    }
  }

  /** An account that Redis has lost is raised first: nothing was charged then. */
  async #judged(
    redis: RedisStore,
    ask: () => Promise<RedisAnswer>,
    isLate: () => boolean,
  ): Promise<RedisAnswer & { kind: 'judged' }> {
    for (let attempt = 0; attempt < ATTEMPTS && !isLate(); attempt += 1) {
      const answer = await ask();
      if (answer.kind === 'judged') return answer;
      if (answer.kind === 'late') break;
      await this.#parts.raiser.restore(redis.takes, accountName(answer.demand));
    }
    throw new StoreError('Redis was asked too late, and charged nothing');
  }

  /** One place is this host's at any time. */
  #byItself(request: TakeRequest): TakeRequest {
    if (!this.othersCount) return request;
    const demands = request.demands.map((demand) => {
      const { inFlight } = demand.limits;
      if (inFlight === undefined) return demand;
      const left = Math.max(1, inFlight - this.#parts.mirror.elsewhere(accountName(demand)));
      return { ...demand, limits: { ...demand.limits, inFlight: left } };
    });
    return { ...request, demands };
  }
}
