import t from 'tap';
import type { Limits } from '../../src/limit/limits.ts';
import { openRedisStore } from '../../src/store/redis.ts';
import type { TakeResult } from '../../src/store/store.ts';
import { startClockedRedis } from './redis-clock.ts';
import { until } from './redis-servers.ts';

const HOUR_US = 3600e6;
const redis = await startClockedRedis();
const store = await openRedisStore({
  server: redis.server,
  pool: 'clock',
  host: 'host',
  answerMs: 10_000,
});
const client = redis.client();
t.teardown(async () => {
  client.disconnect();
  await store.close();
  await redis.stop();
});

let ids = 0;
const take = (provider: string, limits: Limits): Promise<TakeResult> =>
  store.take({
    id: `host/${(ids += 1)}`,
    lane: 1,
    queued: true,
    demands: [{ provider, recipients: 1, limits }],
  });
const waitUs = (result: TakeResult): number => (result.ok ? 0 : result.retryAtUs - result.nowUs);

const paced: Limits = { pace: { count: 1, windowUs: 600e6, burst: 1 }, quotas: [] };
const counted: Limits = { quotas: [{ count: 2, windowUs: 1200e6 }] };

t.test('a clock that steps back an hour takes what is owed with it', async (t) => {
  const machineUs = await store.now();
  t.ok((await take('paced', paced)).ok);
  t.ok((await take('counted', counted)).ok);
  t.ok((await take('counted', counted)).ok);
  redis.ahead(300);
  t.ok((await store.now()) - machineUs >= 300e6, 'the clock is ours to set');
  const before = waitUs(await take('paced', paced));
  t.ok(before > 290e6 && before <= 300e6, `five minutes are left: ${before} µs`);
  t.ok((await take('witness', paced)).ok, 'so that the newest time is known to the pool');
  redis.ahead(300 - 3600);
  t.ok((await store.now()) < machineUs - HOUR_US / 2, 'it stepped back');
  const after = waitUs(await take('paced', paced));
  t.ok(Math.abs(after - before) < 10e6, `still five minutes: ${after} µs`);
  const quota = waitUs(await take('counted', counted));
  t.ok(Math.abs(quota - 900e6) < 30e6, `a quarter of an hour for the quota: ${quota} µs`);
  t.equal((await store.usage('counted')).hour, 2, 'and it is still known');
  redis.ahead(300 - 3600 + 305);
  t.ok((await take('paced', paced)).ok, 'five minutes later it may go, not an hour');
  t.notOk((await take('counted', counted)).ok);
  redis.ahead(300 - 3600 + 930);
  t.ok((await take('counted', counted)).ok);
});

t.test('destinations seen once leave nothing behind', async (t) => {
  const limits: Limits = { ...counted, pace: { count: 60, windowUs: 60e6, burst: 10 } };
  for (let i = 0; i < 50; i += 1) {
    await Promise.all(Array.from({ length: 100 }, (_, j) => take(`d${i}-${j}.example`, limits)));
  }
  t.ok((await client.dbsize()) >= 5000);
  t.ok((await store.providers()).length >= 5000);
  redis.ahead(26 * 3600);
  await until(async () => (await client.dbsize()) < 10);
  const left = ['clock', 'hosts'].map((name) => `{clock}:${name}`);
  await until(async () => (await client.keys('*')).every((key) => left.includes(key)));
  t.same((await client.keys('*')).toSorted(), left, 'but the pool itself');
  t.same(await store.providers(), []);
});
