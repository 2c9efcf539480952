/** A Redis store that goes on in memory, put together. */
import type { Clock } from './clock.ts';
import { FailoverStore } from './failover.ts';
import { Meanwhile } from './meanwhile.ts';
import { openMemoryStore } from './memory.ts';
import { ANSWER_MS, openRedisStore } from './redis.ts';
import type { RedisServer } from './redis-server.ts';
import type { Split } from './store.ts';

export interface FailoverOptions {
  readonly server: RedisServer;
  readonly pool: string;
  /** This host, unlike all others of the pool. */
  readonly host: string;
  readonly clock: Clock;
  /** Where what this host was admitted is written down; absent: nothing outlives the process. */
  readonly stateDir?: string;
  /** Told of damage, a full disk and its end, in a sentence. */
  readonly onTrouble?: (what: string) => void;
  readonly onAway: (split: Split) => void;
  /** After so many microseconds. */
  readonly onBack: (awayUs: number) => void;
  /** How long a verdict waits for Redis; 200 ms. */
  readonly answerMs?: number;
}

/** Nobody waits for a daemon that could start without Redis. */
const OPEN_MS = 1000;

/** Rejects with StoreError when the state directory can't be used; not when Redis is away. */
export async function openFailoverStore(options: FailoverOptions): Promise<FailoverStore> {
  const { server, pool, host, stateDir, clock, onTrouble, onAway, onBack } = options;
  const { answerMs = ANSWER_MS } = options;
  const meanwhile = new Meanwhile();
  const memory = await openMemoryStore({
    clock,
    ledger: meanwhile,
    ...(stateDir !== undefined && { stateDir }),
    ...(onTrouble !== undefined && { onTrouble }),
  });
  const nowUs = (): number => memory.nowUs();
  return FailoverStore.open({
    memory,
    meanwhile,
    host,
    answerMs,
    onAway,
    onBack,
    connect: (hooks) =>
      openRedisStore({ server, pool, host, nowUs, answerMs, openMs: OPEN_MS, ...hooks }),
  });
}
