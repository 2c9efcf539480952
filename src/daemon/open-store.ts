/** The store that the configuration names, opened. */
import { readFile } from 'node:fs/promises';
import type { Config, RedisConfig } from '../config/config.ts';
import { systemClock } from '../store/clock.ts';
import { openMemoryStore } from '../store/memory.ts';
import type { RedisServer } from '../store/redis-server.ts';
import type { Store } from '../store/store.ts';
import { StartError } from './start-error.ts';

export interface OpenStoreParts {
  /** Postfix's myhostname: this host's name in the pool. */
  readonly host: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly onTrouble: (text: string) => void;
  /** What an administrator may like to hear. */
  readonly onNews: (text: string) => void;
}

/** What it means that Redis is away. */
export const ALONE =
  'this host goes on by itself, with the limits as its own; each host of the pool admits as much';

const TOLD = 'what was admitted meanwhile is charged to it, and limits are shared again';

/** Rejects with StoreError or StartError, each a sentence for the operator. */
export async function openStore(config: Config, parts: OpenStoreParts): Promise<Store> {
  const { store, stateDir, pool } = config;
  if (store === 'memory') {
    return openMemoryStore({ stateDir, clock: systemClock, onTrouble: parts.onTrouble });
  }
  const server = await StartError.from(serverOf(store, config.redis, parts.env));
  // Its client is 15 MB that one host alone has no use for.
  const { openFailoverStore } = await import('../store/open-failover.ts');
  return openFailoverStore({
    server,
    pool,
    host: parts.host,
    stateDir,
    clock: systemClock,
    onTrouble: parts.onTrouble,
    onAway: ({ why }) => parts.onTrouble(`${why}: ${ALONE}`),
    onBack: (awayUs) => parts.onNews(`Redis is back after ${Math.round(awayUs / 1e6)} s: ${TOLD}`),
  });
}

/** A password in a file goes before one in the environment, and that before one in the URL. */
async function serverOf(
  store: RedisConfig,
  { passwordFile, sentinelPasswordFile, caFile }: Config['redis'],
  env: OpenStoreParts['env'],
): Promise<RedisServer> {
  const password = passwordFile
    ? await firstLine(passwordFile)
    : (env['POSTPACE_REDIS_PASSWORD'] ?? store.password);
  const sentinelPassword = sentinelPasswordFile
    ? await firstLine(sentinelPasswordFile)
    : env['POSTPACE_SENTINEL_PASSWORD'];
  const ca = caFile === undefined ? undefined : await readFile(caFile, 'utf8');
  return {
    ...store,
    ...(password !== undefined && { password }),
    ...(sentinelPassword !== undefined && { sentinelPassword }),
    ...(ca !== undefined && { ca }),
  };
}

async function firstLine(file: string): Promise<string> {
  const text = await readFile(file, 'utf8');
  return text.split('\n', 1)[0]?.trimEnd() ?? '';
}
