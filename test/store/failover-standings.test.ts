/** What feedback found while Redis was away: kept here, told once when it is back, never loosened. */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { UNTROUBLED, type Standing } from '../../src/limit/standing.ts';
import type { Adjustment } from '../../src/store/store.ts';
import { systemClock } from '../../src/store/clock.ts';
import { FailoverStore } from '../../src/store/failover.ts';
import { Meanwhile } from '../../src/store/meanwhile.ts';
import { openMemoryStore } from '../../src/store/memory.ts';
import { openRedisStore } from '../../src/store/redis.ts';
import { FailingDisk } from './failing-disk.ts';
import { openHost, openJoined, type Host } from './failover-host.ts';
import { startClockedRedis } from './redis-clock.ts';
import { startRedisProxy } from './redis-proxy.ts';
import { startRedis, until } from './redis-servers.ts';

/** A busy machine must not be taken for a Redis that is away. */
const PATIENT = { answerMs: 1000 };
const MINUTE = 60_000;
const NOW = Date.now();

/** Slowed to that factor; `ago`: so many minutes before now. */
function slowedTo(factor: number, epoch: number, ago = 0): Standing {
  const atMs = NOW - ago * MINUTE;
  return { ...UNTROUBLED, epoch, factor, sinceMs: atMs, wall: { perMin: 10, atMs } };
}

function blocked(factor: number, epoch: number): Standing {
  const stop = { phase: 'suspended', untilMs: NOW + 60 * MINUTE, times: 1 } as const;
  return { ...slowedTo(factor, epoch), stop };
}

function because(why: string, ago = 0): Adjustment {
  const kind = why === 'blocked' ? why : 'tightened';
  const atUs = Math.round((Date.now() - ago * MINUTE) * 1e3);
  return { atUs, provider: 'p', kind, from: 'a', to: 'b', why, by: 'feedback' };
}

/** Two hosts of a pool; the first may be cut off from Redis. */
async function open(t: Test) {
  const redis = await startRedis();
  const proxy = await startRedisProxy(redis.port);
  const a = await openJoined(proxy.server, 'a', PATIENT);
  const b = await openJoined(redis.server, 'b', PATIENT);
  t.teardown(async () => {
    await Promise.all([a.store.close(), b.store.close()]);
    proxy.stop();
    await redis.stop();
  });
  return { redis, proxy, a, b };
}

/** Asks, so that it is noticed. */
async function isAway({ store }: Host): Promise<void> {
  await store.usage('p');
  await until(async () => store.split !== undefined);
}

const isBack = ({ store }: Host) => until(async () => store.split === undefined);
const off = (found: Standing | undefined, toMs: number) => Math.abs((found?.sinceMs ?? 0) - toMs);
const whys = async ({ store }: Host) => (await store.history('p', 9)).map(({ why }) => why);
const standing = async ({ store }: Host) => (await store.standings()).get('p');

t.test('each adjustment is told, and once', async (t) => {
  const { redis, a } = await open(t);
  await a.store.setStanding('p', 0, slowedTo(0.5, 5), because('first'));
  redis.kill('SIGSTOP');
  // Asked of the frozen server too, which does it when it goes on.
  t.ok(await a.store.setStanding('p', 5, slowedTo(0.25, 6), because('second')));
  await isAway(a);
  t.ok(await a.store.setStanding('p', 6, slowedTo(0.125, 7), because('third')));
  // What was delivered since, or a probe that left: no adjustment.
  t.ok(await a.store.setStanding('p', 7, { ...slowedTo(0.125, 8), worthMs: 5 }, undefined));
  t.same(await whys(a), ['third', 'second', 'first'], 'here at once');
  redis.kill('SIGCONT');
  await isBack(a);
  await sleep(300);
  t.match(await standing(a), { factor: 0.125, worthMs: 5 });
  t.same(await whys(a), ['third', 'second', 'first']);
});

t.test('a block found by one and a throttle found by the other hold both', async (t) => {
  const { redis, a, b } = await open(t);
  await a.store.setStanding('p', 0, slowedTo(0.8, 5), because('first'));
  await until(async () => (await standing(b)) !== undefined);
  redis.kill('SIGSTOP');
  await Promise.all([isAway(a), isAway(b)]);
  await a.store.setStanding('p', 5, slowedTo(0.2, 6), because('slow'));
  await b.store.setStanding('p', 5, blocked(0.4, 6), because('blocked'));
  redis.kill('SIGCONT');
  await Promise.all([isBack(a), isBack(b)]);
  for (const host of [a, b]) {
    await until(async () => (await whys(host)).length === 3);
    t.match(await standing(host), { factor: 0.2, stop: { phase: 'suspended' } }, host.name);
    t.same((await whys(host)).toSorted(), ['blocked', 'first', 'slow']);
  }
});

t.test('an old low factor, climbed from since, does not undo a new tightening', async (t) => {
  const { proxy, a, b } = await open(t);
  await a.store.setStanding('p', 0, slowedTo(0.1, 5, 600), because('first'));
  await until(async () => (await standing(b)) !== undefined);
  proxy.block();
  await isAway(a);
  await a.store.setStanding('p', 5, slowedTo(0.4, 6), because('again'));
  // The other is not apart: what it delivered is counted on.
  await b.store.setStanding('p', 5, { ...slowedTo(0.1, 6, 600), worthMs: 9 }, undefined);
  proxy.open();
  await isBack(a);
  await until(async () => (await standing(b))?.factor === 0.4);
  t.match(await standing(a), { factor: 0.4, sinceMs: NOW });
});

t.test('a daemon that was killed meanwhile tells it at its next start', async (t) => {
  const stateDir = await mkdtemp(join(tmpdir(), 'postpace-standings-'));
  const copy = `${stateDir}-copy`;
  const redis = await startRedis();
  const proxy = await startRedisProxy(redis.port);
  t.teardown(async () => {
    proxy.stop();
    await redis.stop();
    for (const dir of [stateDir, copy]) await rm(dir, { recursive: true, force: true });
  });
  const host = await openHost(proxy.server, 'a', { ...PATIENT, stateDir });
  await host.store.setStanding('p', 0, slowedTo(0.8, 5, 600), because('first', 600));
  proxy.block();
  t.ok(await host.store.setStanding('p', 5, slowedTo(0.4, 6), because('slow')));
  await isAway(host);
  await host.store.setStanding('p', 6, blocked(0.2, 7), because('blocked'));
  await sleep(1500);
  // As a kill would leave it. What was on its way to Redis never arrives.
  await cp(stateDir, copy, { recursive: true });
  await host.store.close();
  const next = await openHost(redis.server, 'a', { ...PATIENT, stateDir: copy });
  t.match(await standing(next), { factor: 0.2, stop: { phase: 'suspended' } });
  t.same(await whys(next), ['blocked', 'slow', 'first']);
  await next.store.close();
});

t.test('what others decided while it was away is told to whoever listens', async (t) => {
  const { proxy, a, b } = await open(t);
  let seen: Standing | undefined;
  a.store.onChange(() => void standing(a).then((found) => (seen = found)));
  proxy.block();
  await isAway(a);
  await b.store.setStanding('p', 0, blocked(0.4, 6), because('blocked'));
  proxy.open();
  await isBack(a);
  await sleep(1500);
  t.match(seen, { factor: 0.4 });
});

t.test('two hosts whose clocks differ mean the same moment', async (t) => {
  const redis = await startRedis();
  const ahead = 90 * MINUTE;
  const a = await openJoined(redis.server, 'a', PATIENT);
  const b = await openJoined(redis.server, 'b', {
    ...PATIENT,
    clock: { ...systemClock, wallUs: () => (Date.now() + ahead) * 1e3 },
  });
  t.teardown(async () => {
    await Promise.all([a.store.close(), b.store.close()]);
    await redis.stop();
  });
  await Promise.all([standing(a), standing(b)]);
  const nowMs = Date.now();
  await a.store.setStanding('p', 0, { ...slowedTo(0.5, 5), sinceMs: nowMs }, because('first'));
  t.ok(off(await standing(b), nowMs + ahead) < 1000);
  t.equal((await standing(a))?.sinceMs, nowMs, 'exactly as it was set');
  await b.store.setStanding('p', 5, blocked(0.5, 6), because('blocked'));
  const stop = (await standing(a))?.stop;
  const untilMs = stop?.phase === 'suspended' ? stop.untilMs : 0;
  t.ok(Math.abs(untilMs + ahead - (NOW + 60 * MINUTE)) < 1000);
});

t.test('the clock of Redis is set back: what was decided goes on', async (t) => {
  const redis = await startClockedRedis();
  const a = await openJoined(redis.server, 'a', PATIENT);
  const nowMs = Date.now();
  const before = { ...slowedTo(0.5, 5), sinceMs: nowMs };
  await a.store.setStanding('p', 0, before, because('first'));
  redis.ahead(-3600);
  t.equal((await standing(a))?.sinceMs, nowMs);
  await a.store.setStanding('p', 5, { ...before, epoch: 6, worthMs: 1 }, undefined);
  const late = await openJoined(redis.server, 'b', PATIENT);
  t.ok(off(await standing(late), nowMs) < 1000);
  redis.ahead(-7200);
  const later = await openJoined(redis.server, 'c', PATIENT);
  const sinceMs = (await standing(later))?.sinceMs ?? Infinity;
  t.ok(sinceMs <= Date.now() + 1000, 'nothing lies ahead for long');
  await Promise.all([a, late, later].map(({ store }) => store.close()));
  await redis.stop();
});

t.test('Redis has lost everything: set again, with the replies that were the reason', async (t) => {
  const { redis, a, b } = await open(t);
  await a.store.setStanding('p', 0, slowedTo(0.5, 5), because('slow'));
  await a.store.setStanding('p', 5, blocked(0.25, 6), because('blocked'));
  await until(async () => (await standing(b)) !== undefined);
  const client = redis.client();
  await client.flushall();
  await until(async () => (await client.hlen('{pool}:standings')) === 2);
  client.disconnect();
  t.match(await standing(b), { factor: 0.25, stop: { phase: 'suspended' } });
  await until(async () => (await whys(b)).length === 2);
  t.same(await whys(b), ['blocked', 'slow']);
});

t.test('told too when Redis is back before it is on the disk', async (t) => {
  const redis = await startRedis();
  const stateDir = await mkdtemp(join(tmpdir(), 'postpace-standings-'));
  const disk = new FailingDisk();
  const meanwhile = new Meanwhile();
  const memory = await openMemoryStore({ clock: systemClock, stateDir, ledger: meanwhile, disk });
  const nowUs = () => memory.nowUs();
  const store = await FailoverStore.open({
    memory,
    meanwhile,
    host: 'a',
    answerMs: 1000,
    onAway: () => undefined,
    onBack: () => undefined,
    connect: (hooks) =>
      openRedisStore({ server: redis.server, pool: 'pool', host: 'a', nowUs, ...hooks }),
  });
  t.teardown(async () => {
    await store.close();
    await redis.stop();
    await rm(stateDir, { recursive: true, force: true });
  });
  const host = { store, name: 'a', away: [], back: [] };
  await store.setStanding('p', 0, slowedTo(0.8, 4, 60), because('first', 60));
  redis.kill('SIGSTOP');
  await isAway(host);
  disk.beforeWrite = () => sleep(3000);
  const set = store.setStanding('p', 4, slowedTo(0.5, 5), because('slow'));
  redis.kill('SIGCONT');
  await isBack(host);
  disk.empty();
  t.ok(await set);
  await sleep(1500);
  t.match(await standing(host), { factor: 0.5 });
  t.same(await whys(host), ['slow', 'first']);
});
