/** Two Postfix with a daemon each on one Redis, mail at once over both: a scenario, small or large. */
import t, { type Test } from 'tap';
import { startRedis, until } from '../store/redis-servers.ts';
import { brokenPromises } from '../store/windows.ts';
import { startScene } from './scene.ts';

export interface PoolOptions {
  /** Odd runs kill the first daemon in the middle, even ones the second. */
  readonly run: number;
  /** Over both. */
  readonly mails: number;
}

/** 20/min, thirty times as fast. */
const PACE = { count: 20, windowUs: 2e6, burst: 3 };
/** Longest that the time of an admission in a journal is after the admission itself. */
const SPREAD_US = 300e3;

export async function onePaceForTwo(options: PoolOptions): Promise<void> {
  t.setTimeout(3_600_000);
  await t.test(`run ${options.run}: ${options.mails} mails over two hosts`, (t) =>
    scenario(t, options),
  );
}

async function scenario(t: Test, { run, mails }: PoolOptions): Promise<void> {
  const redis = await startRedis();
  const config = {
    store: `redis://127.0.0.1:${redis.port}`,
    default: { pace: 'none' },
    providers: {
      shared: { domains: ['shared.example'], pace: '20/2s', burst: 3, in_flight: 1000 },
    },
    reconcile: '1s',
  };
  const scenes = [
    await startScene({ config, postfix: { main: { myhostname: 'one.lab.test' } } }),
    await startScene({ config, postfix: { main: { myhostname: 'two.lab.test' } } }),
  ] as const;
  t.teardown(async () => {
    for (const scene of scenes) await scene.stop();
    await redis.stop();
  });
  const arrived = () => scenes.flatMap(({ deliveries }) => deliveries).length;
  const sent = await Promise.all(
    scenes.map((scene) =>
      scene.burst({
        mails: mails / 2,
        connections: 25,
        from: 'app@here.example',
        to: (i) => `u${i}@shared.example`,
      }),
    ),
  );
  t.same([...new Set(sent.flat().map(({ code }) => code))], [250]);
  await until(async () => arrived() >= mails / 4);
  const killed = scenes[run % 2 === 1 ? 0 : 1];
  await killed.postpace.kill('SIGKILL');
  await killed.postpace.start();
  for (const scene of scenes) await scene.arrived(mails / 2, undefined, 240_000);
  for (const scene of scenes) {
    const { lost, duplicated } = scene.account();
    t.same({ lost, duplicated }, { lost: [], duplicated: [] });
  }
  const journals = await Promise.all(scenes.map((scene) => scene.admissions('shared')));
  const ledger = journals
    .flat()
    .map(({ atMs }) => ({ atUs: atMs * 1000, recipients: 1 }))
    .toSorted((a, b) => a.atUs - b.atUs);
  const promised = { pace: { ...PACE, windowUs: PACE.windowUs - SPREAD_US }, quotas: [] };
  t.same(brokenPromises(ledger, promised), [], 'every window, both hosts together');
  const sums = await Promise.all(scenes.map((scene) => scene.provider('shared')));
  const [one = 0, two] = sums.map(({ sent: { hour } }) => hour);
  t.equal(one, two, 'both hosts know the same sum');
  // Charged again: what the killed daemon had charged and not released, and what a busy machine did
  // not answer in time. It costs intervals.
  t.ok(one >= mails && one <= mails * 1.1, `${one} charged for ${mails}`);
}
