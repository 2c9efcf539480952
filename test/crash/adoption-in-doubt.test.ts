/**
 * Another milter that may quarantine comes first. While postpace is down Postfix logs one reason to
 * hold and not the second: nobody can tell, so nothing moves until an administrator says so.
 */
import { join } from 'node:path';
import t from 'tap';
import { MILTER } from '../../lab/postpace.ts';
import { waitFor } from '../../lab/wait.ts';
import { startMilter } from '../postfix/scripted-milter.ts';
import { burstOf, DOMAIN, startCrashScene } from './crash.ts';

t.setTimeout(120_000);
const scene = await startCrashScene({
  postfix: { milters: `{ unix:scanner.sock, default_action=accept }, ${MILTER}` },
});
t.teardown(() => scene.stop());
const { postfix, postpace } = scene;
const scanner = await startMilter(join(postfix.queueDirectory, 'scanner.sock'));
t.teardown(() => scanner.close());
const ids = (sent: readonly { readonly queueId?: string }[]) =>
  sent.map((one) => one.queueId ?? '');

await t.test('the scanner quarantines while postpace is up: foreign', async (t) => {
  scanner.script = { E: 'quarantine' };
  const [found = ''] = ids(await burstOf(scene, 1));
  const report = await waitFor(async () =>
    (await postpace.control.held({})).find(({ queueId }) => queueId === found),
  );
  t.match(report, { owner: 'foreign', why: /END-OF-MESSAGE/ });
});

await t.test('while postpace is down: told, and left alone', async (t) => {
  await postpace.kill('SIGKILL');
  await burstOf(scene, 2);
  scanner.script = {};
  const clean = ids(await burstOf(scene, 2));
  await postpace.start();
  const held = await waitFor(async () => {
    const found = (await postpace.control.status()).held;
    return found.unclaimed === 4 && found;
  });
  t.same(held, { ours: 0, foreign: 1, unclaimed: 4 });
  const report = (await postpace.control.held({})).find(({ queueId }) => queueId === clean[0]);
  t.match(report?.why, /whether unix:scanner\.sock wanted it held too the log does not tell/);
  const told = await postpace.cli('held', 'adopt', ...clean);
  t.equal(told.code, 0, told.stderr);
  await scene.arrived(2, DOMAIN, 20_000);
  t.equal((await scene.inHold()).length, 3, 'the others stay');
});
