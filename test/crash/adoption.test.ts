/**
 * postpace is down during a burst. Meanwhile a header check holds mail and an administrator holds
 * one by hand: after the start exactly ours leave, inbound mail first, and the others never move.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { MILTER } from '../../lab/postpace.ts';
import { waitFor } from '../../lab/wait.ts';
import { burstOf, DOMAIN, keptPace, member, startCrashScene } from './crash.ts';
import { startSigner } from './signer.ts';

t.setTimeout(120_000);
const scene = await startCrashScene({
  postfix: {
    milters: `{ unix:signer.sock, default_action=accept }, ${MILTER}`,
    routes: { 'lab.test': 'virtual:' },
    main: { queue_run_delay: '600s' },
  },
});
t.teardown(() => scene.stop());
const { postfix, postpace } = scene;
const signer = await startSigner(join(postfix.queueDirectory, 'signer.sock'));
t.teardown(() => signer.close());
const table = join(postfix.configDirectory, 'headers');
await writeFile(table, '/^X-Check: hold/ HOLD looked at by hand\n');
await postfix.set({ header_checks: `regexp:${table}` });
await postfix.reload();
await postpace.kill('SIGHUP');
const ids = (sent: readonly { readonly queueId?: string }[]) =>
  sent.map((one) => one.queueId ?? '');

await t.test('all is held while postpace is down', async (t) => {
  await postpace.kill('SIGKILL');
  const from = 'mattermost@app.example';
  const ours = await burstOf(scene, 8);
  const inbound = await scene.burst({
    mails: 3,
    from: 'a@far.example',
    to: (i) => `user${i}@lab.test`,
  });
  const checked = await scene.burst({
    mails: 3,
    from,
    to: member,
    headers: () => ({ 'X-Check': 'hold' }),
  });
  const byHand = await scene.burst({ mails: 1, from, to: member });
  for (const option of ['-H', '-h']) await postfix.command(['postsuper', option, ...ids(byHand)]);
  const sendmail = ['sendmail', '-f', from, `cron@${DOMAIN}`];
  await postfix.command(sendmail, { input: 'X-Serial: cron\n\nby sendmail\n' });
  await waitFor(async () => (await scene.inHold()).length === 16, { what: '16 held' });
  t.same([...new Set(scene.sent.map(({ code }) => code))], [250]);

  const sinceMs = Date.now();
  await postpace.start();
  const mailbox = () => postfix.mailbox('user0@lab.test');
  await waitFor(async () => (await mailbox()).length > 0, {
    timeoutMs: 10_000,
    what: 'inbound mail',
  });
  t.ok(scene.sink(DOMAIN).deliveries.length <= 2, 'before what has a pace');
  await scene.arrived(9, DOMAIN, 20_000);
  const left = (await scene.inHold()).toSorted();
  t.same(left, [...ids(checked), ...ids(byHand)].toSorted(), 'the others do not move');
  const serials = scene.sink(DOMAIN).deliveries.map(({ serial }) => serial);
  t.same(serials.toSorted(), [...ours.map(({ serial }) => serial), 'cron'].toSorted(), 'once each');
  t.equal((await postpace.control.status()).held.foreign, 4);
  for (const [index] of inbound.entries()) {
    t.equal((await postfix.mailbox(`user${index}@lab.test`)).length, 1, 'inbound, once');
  }
  await keptPace(t, scene, sinceMs);
});

await t.test('after another restart they are as foreign as before', async (t) => {
  await postpace.restart();
  await waitFor(async () => (await postpace.control.status()).held.foreign === 4);
  t.equal((await scene.inHold()).length, 4);
});
