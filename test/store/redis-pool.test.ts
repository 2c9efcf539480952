import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { Limits } from '../../src/limit/limits.ts';
import { openRedisStore } from '../../src/store/redis.ts';
import type { Adjustment, Store, TakeRequest } from '../../src/store/store.ts';
import { startRedis } from './redis-servers.ts';
import { brokenPromises } from './windows.ts';
import type { Admitted } from './windows.ts';

const redis = await startRedis();
t.teardown(() => redis.stop());
let pools = 0;

/** Two daemons on two hosts of a new pool. */
async function pair(): Promise<{ a: Store; b: Store; pool: string }> {
  const pool = `pair-${(pools += 1)}`;
  const open = (host: string): Promise<Store> =>
    openRedisStore({ server: redis.server, pool, host, answerMs: 10_000 });
  return { a: await open('a'), b: await open('b'), pool };
}

const request = (id: string, limits: Limits, queued = true): TakeRequest => ({
  id,
  lane: 1,
  queued,
  demands: [{ provider: 'p', recipients: 1, limits }],
});
const why: Adjustment = {
  atUs: 1,
  provider: 'p',
  kind: 'suspend',
  from: '20/min',
  to: 'suspended',
  why: 'tried',
  by: 'root',
};

t.test('400 takes at once of two hosts: every window exact', async (t) => {
  const { a, b } = await pair();
  // 20/min burst 3 and 300/h, 600 times as fast.
  const limits: Limits = {
    pace: { count: 20, windowUs: 100e3, burst: 3 },
    quotas: [{ count: 300, windowUs: 6e6 }],
  };
  const ledger: Admitted[] = [];
  const send = async (store: Store, id: string): Promise<void> => {
    for (;;) {
      const result = await store.take(request(id, limits));
      if (result.ok) {
        ledger.push({ atUs: result.nowUs, recipients: 1 });
        return;
      }
      await sleep(Math.ceil((result.retryAtUs - result.nowUs) / 1e3) + Math.random() * 400);
    }
  };
  const many = Array.from({ length: 200 }, (_, i) => i);
  await Promise.all(many.flatMap((i) => [send(a, `a/${i}`), send(b, `b/${i}`)]));
  t.equal(ledger.length, 400);
  t.same(
    brokenPromises(
      ledger.toSorted((one, other) => one.atUs - other.atUs),
      limits,
    ),
    [],
  );
  t.equal((await a.usage('p')).hour, 400);
  await Promise.all([a.close(), b.close()]);
});

t.test('mail that waits on one host is not overtaken on another', async (t) => {
  const { a, b } = await pair();
  const free: Limits = { quotas: [] };
  await a.announce('p', [0, 3, 0]);
  t.match(await b.take(request('b/1', free, false)), { ok: false, cause: { kind: 'waiting' } });
  t.ok((await b.take({ ...request('b/2', free, false), lane: 0 })).ok, 'a better lane');
  t.ok((await a.take(request('a/1', free))).ok, 'what waits itself');
  await b.announce('p', [1, 0, 0]);
  await a.announce('p', [0, 0, 0]);
  t.notOk((await a.take(request('a/2', free, false))).ok, 'the other host still waits');
  await b.announce('p', [0, 0, 0]);
  t.ok((await a.take(request('a/3', free, false))).ok);
  await Promise.all([a.close(), b.close()]);
});

t.test('a host that starts again, or is gone for two minutes, holds up nobody', async (t) => {
  const { a, b, pool } = await pair();
  const limits: Limits = { quotas: [], inFlight: 1 };
  const client = redis.client();
  t.teardown(() => client.disconnect());
  await a.announce('p', [0, 1, 0]);
  await a.close();
  t.notOk((await b.take(request('b/1', limits, false))).ok, 'it may come back');
  const again = await openRedisStore({ server: redis.server, pool, host: 'a', answerMs: 10_000 });
  t.ok((await b.take(request('b/1', limits, false))).ok, 'it came back with nothing waiting');
  await b.settle('p', 'b/1');
  await again.announce('p', [1, 0, 0]);
  await again.close();
  await client.hset(`{${pool}}:hosts`, 'a', '1');
  t.ok((await b.take(request('b/2', limits, false))).ok, 'its lease is over');
  await b.settle('p', 'b/2');
  for (let i = 0; i < 100 && (await client.exists(`{${pool}}:waiting`)) === 1; i += 1) {
    await sleep(50);
  }
  t.equal(await client.exists(`{${pool}}:waiting`), 0, 'and what it announced is forgotten');
  await b.close();
});

t.test('controls and freed places are told to every daemon', async (t) => {
  const { a, b } = await pair();
  const told: string[] = [];
  b.onChange((provider) => told.push(provider));
  const soon = async (count: number): Promise<number> => {
    const fromMs = performance.now();
    while (told.length < count && performance.now() - fromMs < 2000) await sleep(5);
    return performance.now() - fromMs;
  };
  await a.setControl('p', { suspended: {} }, why);
  t.ok((await soon(1)) < 2000);
  t.same([...(await b.controls()).keys()], ['p']);
  t.same(await b.history('p', 9), [why]);
  t.match(await b.take(request('b/1', { quotas: [] })), { cause: { kind: 'suspended' } });
  await a.setControl('p', undefined, why);
  t.ok((await soon(2)) < 2000);
  t.ok((await a.take(request('a/1', { quotas: [], inFlight: 1 }))).ok);
  t.notOk((await b.take(request('b/1', { quotas: [], inFlight: 1 }))).ok);
  await a.settle('p', 'a/1');
  t.ok((await soon(3)) < 2000);
  t.same(told, ['p', 'p', 'p']);
  t.ok((await b.take(request('b/1', { quotas: [], inFlight: 1 }))).ok);
  await Promise.all([a.close(), b.close()]);
});

t.test('what is not told is read within two seconds', async (t) => {
  const { a, b } = await pair();
  const client = redis.client();
  const told: string[] = [];
  b.onChange((provider) => told.push(provider));
  // Every subscriber is cut off, again and again.
  const cutting = setInterval(() => void client.call('CLIENT', 'KILL', 'TYPE', 'pubsub'), 20);
  await sleep(100);
  await a.setControl('p', { suspended: {} }, why);
  await sleep(2000);
  clearInterval(cutting);
  t.same(told, ['p']);
  client.disconnect();
  await Promise.all([a.close(), b.close()]);
});

t.test('a daemon that is killed: the sums agree with what it was told', async (t) => {
  const { a, b, pool } = await pair();
  const limits: Limits = { quotas: [{ count: 1e6, windowUs: 3600e6 }], inFlight: 1e6 };
  const child = fork(fileURLToPath(new URL('./redis-child.js', import.meta.url)), [
    String(redis.port),
    pool,
  ]);
  const admitted: unknown[] = [];
  child.on('message', (id) => admitted.push(id));
  await once(child, 'message');
  let own = 0;
  while (admitted.length < 300) {
    if ((await a.take(request(`a/${own}`, limits))).ok) own += 1;
  }
  child.kill('SIGKILL');
  await once(child, 'exit');
  await sleep(50);
  const usage = await b.usage('p');
  const over = usage.hour - own - admitted.length;
  t.ok(over >= 0 && over <= 16, `${over} more than were answered, at most what was under way`);
  t.equal(usage.inFlight, usage.hour);
  const killed = (await b.inFlight('p')).filter(({ id }) => id.startsWith('killed/'));
  t.equal(killed.length, usage.hour - own, 'its places are there for its next start');
  await Promise.all([a.close(), b.close()]);
});
