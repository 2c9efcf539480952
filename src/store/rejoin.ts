/**
 * From Redis to this host alone and back: what is remembered when it goes, and what it is told when
 * it is back, in this order: what was admitted, what waits here, what was decided about providers.
 */
import { noArrears } from './meanwhile.ts';
import type { Meanwhile } from './meanwhile.ts';
import type { MemoryStore } from './memory.ts';
import type { Mirror } from './mirror.ts';
import type { OwnDecisions } from './own-decisions.ts';
import type { Raiser } from './raiser.ts';
import type { RedisStore } from './redis.ts';

export interface RejoinParts {
  readonly memory: MemoryStore;
  readonly meanwhile: Meanwhile;
  readonly mirror: Mirror;
  readonly raiser: Raiser;
  readonly decisions: OwnDecisions;
  /** What the ids of this host's messages begin with. */
  readonly host: string;
}

export class Rejoin {
  readonly #parts: RejoinParts;
  #hasJoined = false;
  #wasAway = false;

  constructor(parts: RejoinParts) {
    this.#parts = parts;
  }

  /** What the journal says that Redis does not know; and that others may have sent since. */
  inherit(): void {
    const { memory, meanwhile, decisions } = this.#parts;
    const { books } = memory.desk;
    books.uncleanUs = memory.nowUs();
    const { awayUs } = books;
    if (awayUs === undefined) return;
    for (const [name, account] of [...books.accounts, ...books.senders]) {
      const since = (pairs: readonly number[] = []): number[] =>
        pairs.filter((_, i) => pairs[i - (i % 2)]! >= awayUs);
      const [admitted, passed] = [since(account.history), since(account.passed)];
      const taken = new Map([...(account.inFlight ?? [])].filter(([, atUs]) => atUs >= awayUs));
      if (admitted.length + passed.length + taken.size === 0) continue;
      meanwhile.add({ ...noArrears(name), admitted, passed, taken });
    }
    decisions.inherit(awayUs);
  }

  /** Redis is not asked from now on. */
  away(sinceUs: number): void {
    const { books, ledger } = this.#parts.memory.desk;
    this.#wasAway = true;
    this.#parts.meanwhile.records = true;
    if (books.awayUs !== undefined) return;
    books.awayUs = sinceUs;
    ledger?.noted(undefined, ['away', sinceUs]);
  }

  /** Rejects with StoreError; calls `joined` when Redis is to be asked from then on. */
  async run(redis: RedisStore, joined: () => void): Promise<void> {
    const { memory, meanwhile, raiser, decisions } = this.#parts;
    // At least once: whether it can be written to is not known before.
    do await raiser.tell(redis.takes);
    while (raiser.isFarBehind);
    await redis.pool.say(memory.desk.waiting);
    const isFirst = !this.#hasJoined;
    if (isFirst && !this.#wasAway) await this.#forgetPlaces(redis);
    await decisions.tell(redis);
    // Nothing else runs up to the last line: what is asked from now on is asked behind the rest.
    meanwhile.records = false;
    memory.desk.books.awayUs = undefined;
    memory.desk.ledger?.noted(undefined, ['away', 0]);
    const rest = raiser.tellRest(redis.takes);
    const waits = redis.pool.keepUp(memory.desk.waiting);
    this.#hasJoined = true;
    joined();
    await Promise.all([rest, waits]);
    if (isFirst && this.#wasAway) await this.#freePlaces(redis);
  }

  /** Of the last run's places in the journal those that Redis does not have any more. */
  async #forgetPlaces(redis: RedisStore): Promise<void> {
    const { memory, mirror } = this.#parts;
    for (const [provider, { inFlight }] of memory.desk.books.accounts) {
      if (inFlight === undefined) continue;
      const places = new Set((await redis.inFlight(provider)).map(({ id }) => id));
      for (const id of [...inFlight.keys()].filter((one) => !places.has(one))) {
        mirror.settled(provider, id);
      }
    }
  }

  /**
   * Of the last run's places in Redis those that the journal does not have: where Redis was away at
   * the start, the queue was compared with the journal's.
   */
  async #freePlaces(redis: RedisStore): Promise<void> {
    const { memory, host } = this.#parts;
    for (const provider of await redis.providers()) {
      for (const { id } of await redis.inFlight(provider)) {
        const account = memory.desk.books.accounts.get(provider);
        if (!id.startsWith(`${host}/`) || account?.inFlight?.has(id)) continue;
        await redis.settle(provider, id);
      }
    }
  }
}
