import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { Limits } from '../../src/limit/limits.ts';
import type { Adjustment, Store, TakeRequest } from '../../src/store/store.ts';
import { openHost, openJoined, Stream } from './failover-host.ts';
import type { Host } from './failover-host.ts';
import { startClockedRedis } from './redis-clock.ts';
import { single, startRedis, until } from './redis-servers.ts';
import type { Running } from './redis-servers.ts';
import { brokenPromises, fullest } from './windows.ts';

const LIMITS: Limits = {
  pace: { count: 20, windowUs: 1e6, burst: 3 },
  quotas: [{ count: 500, windowUs: 60e6 }],
  inFlight: 100,
};
/** Times of two clocks, Redis's and this process's, are compared: they differ by some milliseconds. */
const PROMISED: Limits = { ...LIMITS, pace: { count: 20, windowUs: 1e6 - 5e3, burst: 3 } };
/** A busy machine must not be taken for a Redis that is away. */
const PATIENT = { answerMs: 1000 };

/** How Redis goes, and comes back. */
interface Failure {
  readonly name: string;
  readonly go: (redis: Running) => Promise<unknown>;
  readonly come: (redis: Running) => Promise<unknown>;
}

async function tell(redis: Running, ...words: readonly string[]): Promise<void> {
  const client = redis.client();
  const [verb = '', ...args] = words;
  await client.call(verb, ...args);
  client.disconnect();
}

const again: Running[] = [];
t.teardown(() => Promise.all(again.map((redis) => redis.stop())));
t.jobs = 4;
const FAILURES: readonly Failure[] = [
  {
    name: 'refused, and started again empty',
    go: (redis) => redis.stop(),
    come: async ({ port }) => again.push(await startRedis({ port })),
  },
  {
    name: 'frozen',
    go: async (redis) => redis.kill('SIGSTOP'),
    come: async (redis) => redis.kill('SIGCONT'),
  },
  {
    name: 'read-only',
    go: (redis) => tell(redis, 'REPLICAOF', '127.0.0.1', '1'),
    come: (redis) => tell(redis, 'REPLICAOF', 'NO', 'ONE'),
  },
  {
    name: 'out of memory',
    go: (redis) => tell(redis, 'CONFIG', 'SET', 'maxmemory', '1'),
    come: (redis) => tell(redis, 'CONFIG', 'SET', 'maxmemory', '0'),
  },
];

for (const { name, go, come } of FAILURES) {
  t.test(`${name}: the pace goes on, and all is counted once`, { buffered: true }, async (t) => {
    const redis = await startRedis();
    t.teardown(() => redis.stop());
    const host = await openJoined(redis.server, 'a', PATIENT);
    const stream = new Stream(host, LIMITS);
    await sleep(700);
    await go(redis);
    await until(async () => host.store.split !== undefined);
    t.equal(host.away.length, 1, 'said once');
    await sleep(1000);
    await come(redis);
    await until(async () => host.store.split === undefined);
    await sleep(700);
    await stream.end();
    t.same(brokenPromises(stream.admitted, PROMISED), [], 'no window is broken');
    const [first, last] = [stream.admitted[0]!.atUs, stream.admitted.at(-1)!.atUs];
    const expected = (20 * (last - first)) / 1e6;
    t.ok(stream.admitted.length > 0.3 * expected, `${stream.admitted.length} of ${expected}`);
    t.equal(host.away.length, 1);
    t.equal(host.back.length, 1, 'and once that it is back');
    await until(async () => (await host.store.usage('p')).inFlight === 0);
    t.equal((await host.store.usage('p')).hour, stream.admitted.length, 'each is charged once');
    t.equal(host.store.split, undefined);
    await host.store.close();
  });
}

/** What leaves the pool without an error: it is noticed, and raised again. */
const LOSSES: readonly {
  readonly name: string;
  readonly lose: (redis: Running) => Promise<void>;
}[] = [
  { name: 'FLUSHALL', lose: (redis) => tell(redis, 'FLUSHALL') },
  { name: 'SCRIPT FLUSH', lose: (redis) => tell(redis, 'SCRIPT', 'FLUSH') },
  { name: 'evicted', lose: evict },
];

/** Memory is short, and keys of others push ours out. */
async function evict(redis: Running): Promise<void> {
  const client = redis.client();
  await client.config('SET', 'maxmemory-policy', 'allkeys-lru');
  await client.config('SET', 'maxmemory', '4mb');
  for (let i = 0; (await client.exists('{pool}:p:p')) === 1; i += 1) {
    await client.set(`other:${i}`, 'x'.repeat(50_000));
  }
  await client.config('SET', 'maxmemory', '0');
  client.disconnect();
}

for (const { name, lose } of LOSSES) {
  t.test(`${name}: nothing is forgiven`, { buffered: true }, async (t) => {
    const redis = await startRedis();
    t.teardown(() => redis.stop());
    const [a, b] = [
      await openJoined(redis.server, 'a', PATIENT),
      await openJoined(redis.server, 'b', PATIENT),
    ];
    const slow: Limits = {
      pace: { count: 20, windowUs: 3600e6, burst: 4 },
      quotas: [{ count: 6, windowUs: 7200e6 }],
      inFlight: 50,
    };
    for (let i = 0; i < 3; i += 1) t.ok((await ask(a, `a/${i}`, slow)).ok);
    t.ok((await ask(b, 'b/0', slow)).ok);
    t.notOk((await ask(a, 'a/3', slow)).ok);
    await a.store.setControl('s', { suspended: {} }, suspended);
    await lose(redis);
    await Promise.all(
      [a, b].map(async (host) => {
        const refused = await ask(host, `${host.name}/9`, slow);
        t.match(refused, { ok: false, cause: { kind: 'pace' } }, `${host.name} owes what it owed`);
      }),
    );
    const usage = await a.store.usage('p');
    t.equal(usage.hour, 4, 'what both were admitted is counted');
    t.same((await b.store.inFlight('p')).map(({ id }) => id).toSorted(), [
      'a/0',
      'a/1',
      'a/2',
      'b/0',
    ]);
    await a.store.charge([{ provider: 'p', recipients: 1, limits: slow }]);
    t.equal((await b.store.usage('p')).hour, 5);
    await until(async () => (await b.store.controls()).has('s'));
    t.match(await ask(b, 'b/1', { quotas: [] }, 's'), { ok: false, cause: { kind: 'suspended' } });
    t.same([...a.away, ...b.away], [], 'Redis was there all the time');
    await Promise.all([a.store.close(), b.store.close()]);
  });
}

t.test('a verdict waits for Redis a quarter of a second, and not each of them', async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.stop());
  const host = await openJoined(redis.server, 'a');
  await ask(host, 'a/0', { quotas: [] });
  const timesMs: number[] = [];
  const kinds: string[] = [];
  redis.kill('SIGSTOP');
  for (let i = 1; i <= 200; i += 1) {
    const fromMs = performance.now();
    const result = await ask(host, `a/${i}`, { quotas: [] });
    kinds.push(result.ok ? 'ok' : result.cause.kind);
    timesMs.push(performance.now() - fromMs);
    await sleep(5);
  }
  t.equal(kinds[0], 'away', 'held while it is not known for how long');
  t.equal(kinds.at(-1), 'ok', 'and then decided on without Redis');
  const admitted = kinds.filter((kind) => kind === 'ok').length;
  const [first = 0, ...others] = timesMs;
  t.ok(first > 150 && first < 10_000, `the first: ${first} ms`);
  t.ok(others.toSorted((a, b) => a - b)[100]! < 100, 'the others do not wait');
  redis.kill('SIGCONT');
  await until(async () => host.store.split === undefined);
  t.equal((await host.store.usage('p')).hour, 1 + admitted);
  t.equal(host.away.length, 1);
  await host.store.close();
});

t.test('the clock steps back an hour', { buffered: true }, async (t) => {
  const redis = await startClockedRedis();
  t.teardown(() => redis.stop());
  const host = await openJoined(redis.server, 'a', PATIENT);
  const slow: Limits = { pace: { count: 6, windowUs: 60e6, burst: 1 }, quotas: [] };
  t.ok((await ask(host, 'a/1', slow)).ok);
  await sleep(200);
  redis.ahead(-3600);
  const refused = await ask(host, 'a/2', slow);
  const leftMs = refused.ok ? 0 : (refused.retryAtUs - refused.nowUs) / 1000;
  t.ok(leftMs > 5000 && leftMs < 12_000, `${leftMs} ms of ten seconds are left`);
  redis.kill('SIGSTOP');
  t.match(await ask(host, 'a/3', slow), { ok: false, cause: { kind: 'away' } });
  await until(async () => host.store.split !== undefined);
  t.match(await ask(host, 'a/3', slow), { ok: false, cause: { kind: 'pace' } });
  redis.kill('SIGCONT');
  await until(async () => host.store.split === undefined);
  redis.ahead(-3600 + 60);
  t.ok((await ask(host, 'a/4', slow)).ok, 'set forward again, it is answered at once');
  t.equal((await host.store.usage('p')).hour, 2);
  t.equal(host.away.length, 1);
  await host.store.close();
});

t.test('two hosts apart: at most twice the limit, and one limit again after', async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.stop());
  const hosts = [
    await openJoined(redis.server, 'a', PATIENT),
    await openJoined(redis.server, 'b', PATIENT),
  ];
  const streams = hosts.map((host) => new Stream(host, LIMITS));
  await sleep(800);
  redis.kill('SIGSTOP');
  await until(async () => hosts.every(({ store }) => store.split !== undefined));
  await sleep(1500);
  redis.kill('SIGCONT');
  await until(async () => hosts.every(({ store }) => store.split === undefined));
  const backUs = (await hosts[0]!.store.now()) + 20e3;
  await sleep(1500);
  await Promise.all(streams.map((stream) => stream.end()));
  const all = streams.flatMap(({ admitted }) => admitted).toSorted((a, b) => a.atUs - b.atUs);
  const most = 20 + 3 - 1;
  const full = fullest(all, 1e6);
  t.ok(full > most, `apart they sent more than one host may: ${full}`);
  t.ok(full <= 2 * most, `and at most twice as much: ${full}`);
  for (const { admitted } of streams) t.same(brokenPromises(admitted, PROMISED), []);
  const after = all.filter(({ atUs }) => atUs >= backUs);
  t.same(brokenPromises(after, PROMISED), []);
  t.ok(after.length > 15, `${after.length} after that`);
  await until(async () => (await hosts[0]!.store.usage('p')).inFlight === 0);
  t.equal((await hosts[0]!.store.usage('p')).hour, all.length, 'both are counted, once each');
  await Promise.all(hosts.map(({ store }) => store.close()));
});

t.test('what is decided and what waits while they are apart', async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.stop());
  const [a, b] = [
    await openJoined(redis.server, 'a', PATIENT),
    await openJoined(redis.server, 'b', PATIENT),
  ];
  const places: Limits = { quotas: [], inFlight: 3 };
  await a.store.announce('w', [0, 1, 0]);
  t.ok((await ask(a, 'a/1', places)).ok);
  t.ok((await ask(b, 'b/1', places)).ok);
  t.ok((await ask(b, 'b/2', places)).ok);
  t.notOk((await ask(a, 'a/2', places)).ok, 'all places are taken');
  redis.kill('SIGSTOP');
  await until(async () => [a, b].every(({ store }) => store.split !== undefined));
  t.match(await ask(a, 'a/2', places), { ok: false, cause: { kind: 'in_flight' } });
  const told: string[] = [];
  a.store.onChange((provider) => told.push(provider));
  await a.store.settle('p', 'a/1');
  t.same(told, ['p']);
  t.ok((await ask(a, 'a/3', places)).ok, 'one place is this host’s own');
  await a.store.announce('w', [0, 0, 0]);
  await a.store.announce('v', [1, 0, 0]);
  await a.store.setControl('s', { suspended: {} }, suspended);
  t.match(await ask(a, 'a/4', { quotas: [] }, 's'), { cause: { kind: 'suspended' } });
  redis.kill('SIGCONT');
  await until(async () => [a, b].every(({ store }) => store.split === undefined));
  t.same((await b.store.inFlight('p')).map(({ id }) => id).toSorted(), ['a/3', 'b/1', 'b/2']);
  await until(async () => (await b.store.controls()).has('s'));
  t.same(await b.store.history('s', 9), [suspended]);
  t.ok((await ask(b, 'b/3', { quotas: [] }, 'w', false)).ok, 'what waited there has left');
  const behind = await ask(b, 'b/4', { quotas: [] }, 'v', false);
  t.match(behind, { cause: { kind: 'waiting' } }, 'and what waits there now is not overtaken');
  await Promise.all([a.store.close(), b.store.close()]);
});

t.test('started while Redis is away: as if every burst were spent', async (t) => {
  const first = await startRedis();
  await first.stop();
  const stateDir = await mkdtemp(join(tmpdir(), 'postpace-failover-'));
  const copy = `${stateDir}-copy`;
  t.teardown(() =>
    Promise.all([stateDir, copy].map((dir) => rm(dir, { recursive: true, force: true }))),
  );
  const host = await openHost(single(first.port), 'a', { stateDir });
  t.match(host.away, [{ why: /ECONNREFUSED/ }], 'said once');
  const slow: Limits = { pace: { count: 6, windowUs: 60e6, burst: 3 }, quotas: [] };
  const refused = await ask(host, 'a/1', slow);
  t.match(refused, { ok: false, cause: { kind: 'pace' } });
  t.ok(!refused.ok && refused.retryAtUs - refused.nowUs <= 10e6, 'the pace itself begins at once');
  const counted: Limits = { quotas: [{ count: 3, windowUs: 3600e6 }], inFlight: 5 };
  for (let i = 0; i < 3; i += 1) t.ok((await ask(host, `a/q${i}`, counted, 'q')).ok);
  // As a kill would leave it.
  await cp(stateDir, copy, { recursive: true });
  await host.store.close();
  const next = await openHost(single(first.port), 'a', { stateDir: copy });
  t.equal(next.away.length, 1);
  t.match(await ask(next, 'a/q3', counted, 'q'), { cause: { kind: 'quota' } }, 'it knows them');
  const redis = await startRedis({ port: first.port });
  t.teardown(() => redis.stop());
  await until(async () => next.store.split === undefined);
  t.equal(next.back.length, 1);
  t.equal((await next.store.usage('q')).hour, 3, 'and what was not told before is told now');
  t.equal((await next.store.usage('q')).inFlight, 3);
  t.notOk((await ask(next, 'a/q4', counted, 'q')).ok);
  await next.store.close();
});

const suspended: Adjustment = {
  atUs: 1,
  provider: 's',
  kind: 'suspend',
  from: 'none',
  to: 'suspended',
  why: 'tried',
  by: 'root',
};

function ask(
  { store }: Pick<Host, 'store'>,
  id: string,
  limits: Limits,
  provider = 'p',
  queued = true,
): ReturnType<Store['take']> {
  const demands = [{ provider, recipients: 1, limits }];
  const request: TakeRequest = { id, lane: 1, queued, demands };
  return store.take(request);
}
