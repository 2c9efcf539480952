/**
 * Two Postfix with a daemon each share one Redis, as two hosts do: one pace for both, nobody
 * overtakes, and while Redis is away every mail is accepted and held.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { startRedis, until } from '../store/redis-servers.ts';
import { brokenPromises } from '../store/windows.ts';
import { startScene } from './scene.ts';

const redis = await startRedis();
const shared = { domains: ['shared.example'], quotas: [], in_flight: 1000 };
const config = {
  store: `redis://127.0.0.1:${redis.port}`,
  default: { pace: 'none' },
  providers: { shared: { ...shared, pace: '20/2s', burst: 3 } },
  reconcile: '1s',
};
const scenes = [
  await startScene({ config, postfix: { main: { myhostname: 'one.lab.test' } } }),
  await startScene({ config, postfix: { main: { myhostname: 'two.lab.test' } } }),
] as const;
t.setTimeout(200_000);
t.teardown(async () => {
  for (const scene of scenes) await scene.stop();
  await redis.stop();
});

const MAILS = 50;
const arrivals = () => scenes.flatMap(({ deliveries }) => deliveries).map(({ atMs }) => atMs);
const all = (count: number) => until(async () => arrivals().length >= count);
const send = (mails: number) =>
  Promise.all(
    scenes.map((scene) =>
      scene.burst({
        mails,
        connections: mails,
        from: 'app@here.example',
        to: (i) => `u${i}@shared.example`,
      }),
    ),
  );

/** What the scripts write, as Redis's own monitor tells it: time in seconds, words. */
async function monitored(): Promise<{ written: (readonly [string, string[]])[]; end(): void }> {
  const client = redis.client();
  await until(async () => client.status === 'ready');
  const monitor = await client.monitor();
  const written: (readonly [string, string[]])[] = [];
  monitor.on('monitor', (time: string, words: string[], source: string) => {
    if (source === 'lua') written.push([time, words]);
  });
  return {
    written,
    end() {
      monitor.disconnect();
      client.disconnect();
    },
  };
}

/**
 * An account is written by each admission, by each freed place, which is told right after, and by
 * what a host raises that had no answer for a moment.
 */
function admissions(written: readonly (readonly [string, string[]])[]): number[] {
  return written.flatMap(([time, [verb, key]], i) => {
    const account = verb === 'SET' && key === '{postpace}:p:shared';
    const [next, at] = written[i + 1]?.[1] ?? [];
    const isOther = next === 'XADD' || at === '{postpace}:raised';
    return account && !isOther ? [Math.round(Number(time) * 1e6)] : [];
  });
}

await t.test('one pace for both hosts', async (t) => {
  const monitor = await monitored();
  const sent = await send(MAILS);
  t.same([...new Set(sent.flat().map(({ code }) => code))], [250]);
  const [one, two] = await Promise.all(scenes.map((scene) => scene.provider('shared')));
  t.ok((one?.held ?? 0) > 0 && (two?.held ?? 0) > 0, 'both have mail that waits');
  await all(2 * MAILS);
  monitor.end();
  const ledger = admissions(monitor.written).map((atUs) => ({ atUs, recipients: 1 }));
  // What was not answered in time on a busy machine is charged, and asked again.
  t.ok(ledger.length >= 2 * MAILS, `${ledger.length} admissions`);
  // The monitor's times are some microseconds later than those that were decided by.
  const pace = { count: 20, windowUs: 2e6 - 2e3, burst: 3 };
  t.same(brokenPromises(ledger, { pace, quotas: [] }), []);
  const perAdmissionUs = (ledger.at(-1)!.atUs - ledger[0]!.atUs) / ledger.length;
  t.ok(perAdmissionUs < 150e3, 'and no slower than that');
  const usage = await Promise.all(scenes.map((scene) => scene.provider('shared')));
  t.same(
    usage.map(({ sent: { hour } }) => hour),
    [ledger.length, ledger.length],
  );
});

await t.test('what is set on one host holds on the other', async (t) => {
  await scenes[0].tell('suspend', 'shared', '--reason', 'tried');
  await sleep(2000);
  t.match(await scenes[1].provider('shared'), { suspended: { why: 'tried (by root)' } });
  await scenes[1].tell('resume', 'shared');
});

await t.test('fresh mail of one host does not overtake what the other holds', async (t) => {
  const before = arrivals().length;
  await scenes[0].burst({
    mails: 20,
    connections: 20,
    from: 'app@here.example',
    to: (i) => `u${i}@shared.example`,
  });
  t.ok((await scenes[0].provider('shared')).held > 5);
  const [fresh] = await scenes[1].burst({
    mails: 1,
    from: 'app@here.example',
    to: () => 'fresh@shared.example',
  });
  const held = () => scenes[1].logged('held').find(({ queueId }) => queueId === fresh?.queueId);
  await until(async () => held() !== undefined);
  t.match(held(), { why: /^(older mail to shared waits|Redis does not answer)$/ });
  await all(before + 21);
});

await t.test('Redis frozen: every mail is accepted soon, each host keeps the pace', async (t) => {
  const before = arrivals().length;
  const split = async (isSplit: boolean): Promise<void> =>
    until(async () => {
      const states = await Promise.all(scenes.map((scene) => scene.status()));
      return states.every((state) => (state.split !== null) === isSplit);
    });
  const lines = (text: RegExp) =>
    scenes.map(({ postpace }) => postpace.log.filter((line) => text.test(line)).length);
  redis.kill('SIGSTOP');
  const sent = (await send(20)).flat();
  t.same([...new Set(sent.map(({ code }) => code))], [250]);
  const latest = Math.max(...sent.map(({ latencyMs }) => latencyMs));
  t.ok(latest < 3000, `no application waited: ${latest} ms`);
  await split(true);
  const { stdout } = await scenes[0].postpace.cli('status');
  t.match(stdout, /^SPLIT since .*no answer within/m, 'status says so, since when, and why');
  await all(before + 20);
  redis.kill('SIGCONT');
  await split(false);
  await all(before + 40);
  for (const scene of scenes) {
    const ledger = (await scene.admissions('shared')).map(({ atMs }) => ({
      atUs: atMs * 1000,
      recipients: 1,
    }));
    // Here the journal says when it was answered, not when it was admitted.
    const pace = { count: 20, windowUs: 2e6 - 300e3, burst: 3 };
    t.same(brokenPromises(ledger, { pace, quotas: [] }), []);
  }
  t.same(lines(/goes on by itself/), [1, 1], 'said once');
  t.same(lines(/Redis is back/), [1, 1], 'and once that it is over');
  const counted = (await scenes[0].provider('shared')).sent.hour;
  t.ok(counted >= arrivals().length, 'all are counted');
  t.same(
    scenes.flatMap((scene) => scene.account().lost),
    [],
  );
  t.same(
    scenes.flatMap((scene) => scene.account().duplicated),
    [],
  );
});

await t.test('a daemon is killed and starts while Redis is away', async (t) => {
  const before = arrivals().length;
  redis.kill('SIGSTOP');
  await scenes[0].postpace.kill('SIGKILL');
  await scenes[0].postpace.start();
  t.match(await scenes[0].status(), { split: { why: /no answer within/ } });
  const sent = (await send(3)).flat();
  t.same([...new Set(sent.map(({ code }) => code))], [250]);
  await all(before + 6);
  redis.kill('SIGCONT');
  await until(async () => (await scenes[0].status()).split === null);
  await until(async () => (await scenes[1].status()).split === null);
  const sums = await Promise.all(scenes.map((scene) => scene.provider('shared')));
  t.same(
    sums.map(({ sent: { hour } }) => hour),
    [sums[0]?.sent.hour, sums[0]?.sent.hour],
    'the sums agree',
  );
  t.ok((sums[0]?.sent.hour ?? 0) >= arrivals().length);
});
