/** A burst during which Redis is frozen and goes on later: a scenario, small or large. */
import t, { type Test } from 'tap';
import { startRedis, until } from '../store/redis-servers.ts';
import { brokenPromises } from '../store/windows.ts';
import { startScene } from './scene.ts';

export interface FreezeOptions {
  readonly mails: number;
  readonly frozenMs: number;
  /** Recipients in a second. */
  readonly perSec: number;
  /** Longest that an application may have waited for its 250. */
  readonly latestMs: number;
}

export async function survivesAFreeze(options: FreezeOptions): Promise<void> {
  const { mails, frozenMs } = options;
  t.setTimeout(600_000);
  await t.test(`${mails} mails, Redis frozen for ${frozenMs / 1000} s`, (t) =>
    scenario(t, options),
  );
}

async function scenario(t: Test, options: FreezeOptions): Promise<void> {
  const { mails, frozenMs, perSec, latestMs } = options;
  const redis = await startRedis();
  const pace = { count: perSec, windowUs: 1e6, burst: 5 };
  const scene = await startScene({
    config: {
      store: `redis://127.0.0.1:${redis.port}`,
      default: { pace: 'none' },
      providers: {
        frozen: { domains: ['frozen.example'], pace: `${perSec}/1s`, burst: 5, in_flight: 1000 },
      },
    },
  });
  t.teardown(async () => {
    await scene.stop();
    await redis.stop();
  });
  let accepted = 0;
  let thaw: Promise<void> | undefined;
  await scene.burst({
    mails,
    connections: 10,
    from: 'mattermost@here.example',
    to: (i) => `u${i}@frozen.example`,
    onSent() {
      accepted += 1;
      if (accepted !== Math.ceil(mails / 4)) return;
      redis.kill('SIGSTOP');
      thaw = new Promise((resolve) => {
        setTimeout(() => {
          redis.kill('SIGCONT');
          resolve();
        }, frozenMs);
      });
    },
  });
  t.same([...new Set(scene.sent.map(({ code }) => code))], [250], 'every application got its 250');
  const latest = Math.max(...scene.sent.map(({ latencyMs }) => latencyMs));
  t.ok(latest < latestMs, `within ${Math.round(latest)} ms`);
  await thaw;
  await until(async () => (await scene.status()).split === null);
  await scene.arrived(mails, undefined, 120_000 + (mails / perSec) * 2000);
  const { lost, duplicated } = scene.account();
  t.same({ lost, duplicated }, { lost: [], duplicated: [] });
  const admitted = await scene.admissions('frozen');
  t.equal(admitted.length, mails);
  const ledger = admitted.map(({ atMs }) => ({ atUs: atMs * 1000, recipients: 1 }));
  // The journal says when an admission was known here, a little after it was made.
  const promised = { pace: { ...pace, windowUs: 0.8e6 }, quotas: [] };
  t.same(brokenPromises(ledger, promised), [], 'the pace as promised');
  const tookSec = (ledger.at(-1)!.atUs - ledger[0]!.atUs) / 1e6;
  t.ok(tookSec < (1.25 * mails) / perSec + 15, `and not much slower: ${tookSec} s`);
  const counted = (await scene.provider('frozen')).sent.hour;
  // What was charged and not answered within 200 ms was asked again.
  t.ok(counted >= mails && counted <= mails + 10, `${counted} counted`);
  const told = (text: RegExp) => scene.postpace.log.filter((line) => text.test(line)).length;
  t.equal(told(/goes on by itself/), 1, 'said once');
  t.equal(told(/Redis is back/), 1);
}
