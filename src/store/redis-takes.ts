/**
 * What charges an account in Redis: takes, charges, and what a host admitted by itself. Each carries
 * the time until which its answer is waited for, so that a server which was frozen does not charge,
 * when it goes on, what was decided elsewhere long ago.
 */
import type { RedisConnection } from './redis-connection.ts';
import { takeKeys } from './redis-keys.ts';
import type { Keys } from './redis-keys.ts';
import { encodeRaise } from './redis-raise.ts';
import type { Raised } from './redis-raise.ts';
import { decodeTake, encodeDemands, strings, whole } from './redis-reply.ts';
import type { RedisAnswer } from './redis-reply.ts';
import type { Scripts } from './redis-scripts.ts';
import { StoreError } from './store.ts';
import type { Demand, TakeRequest } from './store.ts';

export interface RedisTakesParts {
  readonly connection: RedisConnection;
  readonly keys: Keys;
  readonly scripts: Scripts;
  readonly host: string;
  readonly instance: string;
  /** How long each answer is waited for. */
  readonly answerMs: number;
  /** This machine's clock; without it a question is good for ever. */
  readonly nowUs?: () => number;
}

/** When the account of a demand was opened, as far as it is known; else 0. */
export type BirthOf = (demand: Demand) => number;

const UNKNOWN: BirthOf = () => 0;

export class RedisTakes {
  readonly #parts: RedisTakesParts;
  /** Redis's clock minus ours, as of its last answer. */
  #aheadUs: number | undefined;

  constructor(parts: RedisTakesParts) {
    this.#parts = parts;
  }

  /** Rejects with StoreError; whether it was charged then is not known. */
  take(request: TakeRequest, birthOf: BirthOf = UNKNOWN): Promise<RedisAnswer> {
    const { id, lane, queued, demands } = request;
    return this.#ask(demands, ['take', id, lane, queued ? 1 : 0], birthOf);
  }

  /** Never refused. Rejects with StoreError, as `take`. */
  charge(demands: readonly Demand[], birthOf: BirthOf = UNKNOWN): Promise<RedisAnswer> {
    return this.#ask(demands, ['charge', '', 0, 1], birthOf);
  }

  /**
   * Charges what was admitted without Redis, once for each serial. Answers when each account was
   * opened; undefined: nothing was done, it came too late by Redis's clock, which is known now.
   * Rejects with StoreError.
   */
  async raise(
    serial: string,
    accounts: readonly Raised[],
    nowUs: number,
  ): Promise<readonly number[] | undefined> {
    const { connection, keys, scripts, host, instance } = this.#parts;
    const { clock, raised, hosts, changes, index, senders } = keys;
    const names = accounts.map(({ arrears }) => keys.account(arrears.name));
    const reply = await connection.run(
      scripts.raise,
      [clock, raised, hosts, changes, index, senders, ...names],
      [host, instance, serial, this.#deadlineUs(), ...encodeRaise(accounts, nowUs)],
    );
    const [verdict, redisUs, ...births] = strings(reply);
    this.#heard(whole(redisUs));
    return verdict === '1' ? births.map(whole) : undefined;
  }

  async #ask(
    demands: readonly Demand[],
    head: readonly (string | number)[],
    birthOf: BirthOf,
  ): Promise<RedisAnswer> {
    const { connection, keys, scripts, nowUs, answerMs } = this.#parts;
    const what = encodeDemands(demands, demands.map(birthOf));
    const untilUs = nowUs === undefined ? Infinity : nowUs() + answerMs * 1000;
    const once = async (): Promise<RedisAnswer> => {
      const reply = await connection.run(scripts.take, takeKeys(keys, demands), [
        ...head,
        this.#deadlineUs(),
        ...what,
      ]);
      const answer = decodeTake(reply, demands);
      this.#heard(answer.kind === 'judged' ? answer.result.nowUs : answer.nowUs);
      return answer;
    };
    const answer = await once();
    // Its clock was set forward: it said so at once, so somebody waits still.
    if (answer.kind !== 'late' || (nowUs?.() ?? 0) > untilUs) return answer;
    return once();
  }

  #deadlineUs(): number {
    const { nowUs, answerMs } = this.#parts;
    if (nowUs === undefined || this.#aheadUs === undefined) return 0;
    return Math.round(nowUs() + this.#aheadUs + answerMs * 1000);
  }

  #heard(redisUs: number): void {
    const { nowUs } = this.#parts;
    if (nowUs !== undefined) this.#aheadUs = redisUs - nowUs();
  }
}

/** For those who know of no accounts. Throws StoreError for a question that came too late. */
export function judged(answer: RedisAnswer): RedisAnswer & { kind: 'judged' } {
  if (answer.kind === 'judged') return answer;
  throw new StoreError(`Redis charged nothing: ${answer.kind}`);
}
