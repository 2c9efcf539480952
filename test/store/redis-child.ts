/**
 * A daemon's store in a process of its own, to be killed: takes with 16 under way until then, and
 * says so for each that was admitted. Arguments: port, pool.
 */
import { openRedisStore } from '../../src/store/redis.ts';
import { single } from './redis-servers.ts';

const [port, pool = ''] = process.argv.slice(2);
const store = await openRedisStore({
  server: single(Number(port)),
  pool,
  host: 'killed',
  answerMs: 10_000,
});
const limits = { quotas: [{ count: 1e6, windowUs: 3600e6 }], inFlight: 1e6 };
let next = 0;

async function takes(): Promise<void> {
  for (;;) {
    const id = `killed/${(next += 1)}`;
    const demands = [{ provider: 'p', recipients: 1, limits }];
    const { ok } = await store.take({ id, lane: 1, queued: true, demands });
    if (ok) process.send?.(id);
  }
}

await Promise.all(Array.from({ length: 16 }, takes));
