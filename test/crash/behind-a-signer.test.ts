/**
 * smtpd and cleanup are chrooted, a milter that adds a header comes first: mail carries the header
 * although it was held, by postpace or because postpace was down.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { MILTER } from '../../lab/postpace.ts';
import { burstOf, nothingLost, startCrashScene } from './crash.ts';
import { startSigner } from './signer.ts';

t.setTimeout(120_000);
const scene = await startCrashScene({
  postfix: { chroot: true, milters: `{ unix:signer.sock, default_action=accept }, ${MILTER}` },
});
t.teardown(() => scene.stop());
const { postfix, postpace } = scene;
const signer = await startSigner(join(postfix.queueDirectory, 'signer.sock'));
t.teardown(() => signer.close());

const allSigned = (sinceMs: number) =>
  scene.deliveries
    .filter(({ mailAtMs }) => mailAtMs >= sinceMs)
    .every(({ headers }) => headers.get('x-signed') === 'yes');

await t.test('the socket is for Postfix alone', async (t) => {
  const { mode } = await stat(join(postfix.queueDirectory, 'postpace', 'milter.sock'));
  t.equal(mode & 0o777, 0o660);
});

await t.test('held by postpace', { timeout: 60_000 }, async (t) => {
  const sinceMs = Date.now();
  await burstOf(scene, 10);
  t.ok((await postpace.control.status()).held.ours > 0, 'the milter was asked, and mail is held');
  await nothingLost(t, scene, sinceMs);
  t.ok(allSigned(sinceMs), 'every mail is signed');
});

await t.test('held while postpace was down', { timeout: 60_000 }, async (t) => {
  const sinceMs = Date.now();
  await postpace.kill('SIGKILL');
  await burstOf(scene, 6);
  t.equal((await scene.inHold()).length, 6);
  await postpace.start();
  await nothingLost(t, scene, sinceMs);
  t.ok(allSigned(sinceMs), 'every mail is signed');
});
