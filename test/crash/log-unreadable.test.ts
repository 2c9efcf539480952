/** Without a readable log nobody can tell whose a hold is: told, left alone, adopted when asked to. */
import { join } from 'node:path';
import t from 'tap';
import { waitFor } from '../../lab/wait.ts';
import { burstOf, CONFIG, DOMAIN, startCrashScene } from './crash.ts';

t.setTimeout(120_000);
const scene = await startCrashScene();
t.teardown(() => scene.stop());
const { postfix, postpace } = scene;
const log = join(postfix.directory, 'nowhere', 'mail.log');

await t.test('what is held while postpace is down', { timeout: 60_000 }, async (t) => {
  await postpace.kill('SIGKILL');
  await burstOf(scene, 6);
  t.equal((await scene.inHold()).length, 6);
  await postpace.configure({ ...CONFIG, feedback: { log } });
  await postpace.start();
  const unclaimed = await waitFor(
    async () => {
      const { held } = await postpace.control.status();
      return held.unclaimed === 6 && held;
    },
    { timeoutMs: 40_000, what: 'six holds that nobody claims' },
  );
  t.same(unclaimed, { ours: 0, foreign: 0, unclaimed: 6 });
  const { warnings } = await postpace.control.status();
  t.match(warnings.join('\n'), /Postfix log: .*mail\.log: no such file/);
  t.match(warnings.join('\n'), /6 message\(s\) are in hold and the log does not tell why/);
  t.equal(scene.deliveries.length, 0);
});

await t.test('held adopt', async (t) => {
  const [one = ''] = await scene.inHold();
  const told = await postpace.cli('held', 'adopt', one);
  t.equal(told.code, 0, told.stderr);
  await scene.arrived(1, DOMAIN, 10_000);
  t.equal((await scene.inHold()).length, 5, 'it alone');
});

await t.test('adopt: all', { timeout: 60_000 }, async (t) => {
  await postpace.stop();
  await postpace.configure({ ...CONFIG, feedback: { log }, adopt: 'all' });
  await postpace.start();
  await scene.arrived(scene.sent.length, DOMAIN, 30_000);
  const { lost, duplicated } = scene.account();
  t.same({ lost, duplicated }, { lost: [], duplicated: [] });
  t.same(await scene.inHold(), []);
  const [, first = 0, ...rest] = scene.sink(DOMAIN).deliveries.map(({ mailAtMs }) => mailAtMs);
  const tookMs = Math.max(...rest) - first;
  t.ok(tookMs > 500, `five at 5/s, not at once: ${Math.round(tookMs)} ms`);
});
