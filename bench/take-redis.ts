/**
 * Takes a second on a Redis server of its own, 64 in flight, with a pace and two quotas; each round
 * against the naive GCRA (one number a provider, one small script) through the same client, and PING
 * for what the connection itself can do.
 * usage: node dist/bench/take-redis.js [ROUNDS]; needs redis-server; prints JSON.
 */
import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { openRedisStore } from '../src/store/redis.ts';
import type { Limits } from '../src/limit/limits.ts';
import { startRedis } from '../test/store/redis-servers.ts';

const TAKES = 30_000;
const IN_FLIGHT = 64;
const PROVIDERS = 100;
const limits: Limits = {
  pace: { count: 1e6, windowUs: 60e6, burst: 1000 },
  quotas: [
    { count: 1e9, windowUs: 3600e6 },
    { count: 1e9, windowUs: 86_400e6 },
  ],
};
const NAIVE = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local tat = tonumber(redis.call('GET', KEYS[1]) or '0')
if tat - 59940 > now then return 0 end
redis.call('SET', KEYS[1], string.format('%.0f', math.max(tat, now) + 60), 'PX', 60000)
return 1`;

const rounds = Number(process.argv[2] ?? 5);
const redis = await startRedis();
const store = await openRedisStore({
  server: redis.server,
  pool: 'bench',
  host: 'host',
  answerMs: 10_000,
});
const client = redis.client();
const sha = createHash('sha1').update(NAIVE).digest('hex');
await client.script('LOAD', NAIVE);

const perSec: Record<string, number[]> = { ping: [], naiveGcra: [], take: [] };
const serverUs: number[] = [];
for (let round = 0; round < rounds; round += 1) {
  perSec['ping']?.push(await rate(() => client.ping()));
  perSec['naiveGcra']?.push(await rate((i) => client.evalsha(sha, 1, `{bench}:n${i % PROVIDERS}`)));
  const before = await busyUs(client);
  perSec['take']?.push(await rate(take));
  serverUs.push(((await busyUs(client)) - before) / TAKES);
}
await store.close();
client.disconnect();
await redis.stop();

process.stdout.write(
  `${JSON.stringify({
    takes: TAKES,
    inFlight: IN_FLIGHT,
    providers: PROVIDERS,
    rounds,
    perSecond: Object.fromEntries(Object.entries(perSec).map(([name, all]) => [name, median(all)])),
    speedAgainstNaiveGcra: median(ratios('naiveGcra')),
    speedAgainstPing: median(ratios('ping')),
    redisMicrosecondsPerTake: median(serverUs),
  })}\n`,
);

function take(i: number): Promise<unknown> {
  const demands = [{ provider: `p${i % PROVIDERS}`, recipients: 1, limits }];
  return store.take({ id: `host/${i}`, lane: 1, queued: false, demands });
}

async function rate(one: (i: number) => Promise<unknown>): Promise<number> {
  const fromMs = performance.now();
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < TAKES) await one((next += 1));
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  return TAKES / ((performance.now() - fromMs) / 1e3);
}

/** What the server's main thread spent on evalsha, in µs. */
async function busyUs(of: Redis): Promise<number> {
  const info = await of.info('commandstats');
  return Number(/cmdstat_evalsha:calls=\d+,usec=(\d+)/.exec(info)?.[1] ?? 0);
}

function ratios(reference: string): number[] {
  return (perSec['take'] ?? []).map((value, i) => value / (perSec[reference]?.[i] ?? NaN));
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Number((sorted[sorted.length >> 1] ?? NaN).toPrecision(3));
}
