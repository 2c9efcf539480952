/**
 * Redis memory per provider with a pace and two quotas (20/min, 300/h, 1500/day) after a day and two
 * hours on a clock that is set by hand: for one that always has mail and sends at its limits, and for
 * one that sends evenly, which is the most that is remembered. What is then kept of it is written ten
 * thousand times under names of the usual length: keys, index and expiry included.
 * usage: node dist/bench/redis-memory.js; needs redis-server and gcc; prints JSON.
 */
import type { Redis } from 'ioredis';
import { openRedisStore } from '../src/store/redis.ts';
import type { TakeResult } from '../src/store/store.ts';
import { startClockedRedis } from '../test/store/redis-clock.ts';

const COPIES = 10_000;
const END_SEC = 26 * 3600;
const limits = {
  pace: { count: 20, windowUs: 60e6, burst: 3 },
  quotas: [
    { count: 300, windowUs: 3600e6 },
    { count: 1500, windowUs: 86_400e6 },
  ],
};
const demands = [{ provider: 'outlook', recipients: 1, limits }];

const redis = await startClockedRedis();
const client = redis.client();
const report: Record<string, unknown> = {};
for (const [name, waitSec] of Object.entries({ atItsLimits, evenly: () => 86_400 / 1499 })) {
  redis.ahead(0);
  await client.flushall();
  const options = { server: redis.server, pool: name, host: 'host', answerMs: 10_000 };
  const store = await openRedisStore(options);
  let sent = 0;
  for (let sec = 0; sec < END_SEC;) {
    redis.ahead(sec);
    const result = await store.take({ id: 'host/1', lane: 1, queued: true, demands });
    if (result.ok) sent += 1;
    sec += waitSec(result);
  }
  const packed = await client.getBuffer(`{${name}}:p:outlook`);
  await store.close();
  if (packed === null) throw new Error('nothing is kept');
  report[name] = { sent, packedBytes: packed.length, bytes: await bytesEach(packed) };
}
client.disconnect();
await redis.stop();
process.stdout.write(`${JSON.stringify({ copies: COPIES, ...report })}\n`);

function atItsLimits(result: TakeResult): number {
  return result.ok ? 0.001 : Math.max(0.001, (result.retryAtUs - result.nowUs) / 1e6);
}

async function bytesEach(packed: Buffer): Promise<number> {
  await client.flushall();
  const before = await usedBytes(client);
  for (let i = 0; i < COPIES; i += 100) {
    const names = Array.from({ length: 100 }, (_, j) => `example-${i + j}.org`);
    await Promise.all(
      names.flatMap((provider) => [
        client.set(`{postpace}:p:${provider}`, packed, 'PX', 86_400_000),
        client.zadd('{postpace}:index', 1_795_598_149_179 + i, provider),
      ]),
    );
  }
  return Math.round(((await usedBytes(client)) - before) / COPIES);
}

async function usedBytes(of: Redis): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 300));
  return Number(/used_memory:(\d+)/.exec(await of.info('memory'))?.[1] ?? 0);
}
