/** A provider blocks us: one mail to whom it concerns, and the command is told, beside a real Postfix. */
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { waitFor } from '../../lab/wait.ts';
import { startScene } from './scene.ts';

const file = join(tmpdir(), `postpace-alert-${process.pid}`);
const scene = await startScene({
  sinks: { 'block.example': {}, 'rdns.example': {}, 'ops.example': {} },
  config: {
    default: { pace: 'none' },
    providers: { block: { domains: ['block.example'], pace: '600/min', burst: 10 } },
    own_addresses: ['127.0.0.1'],
    alerts: { mail: 'ops@ops.example', command: ['tee', '-a', file] },
    retry: { min: '300ms', max: '500ms' },
  },
});
t.teardown(async () => {
  await scene.stop();
  await rm(file, { force: true });
});
t.setTimeout(60_000);

const told = async () => (await readFile(file, 'utf8').catch(() => '')).split('\n').slice(0, -1);

t.test('S3150 twice: one mail and one line', async (t) => {
  const reply = "550 5.7.1 Unfortunately, messages from [127.0.0.1] weren't sent. (S3150)";
  const sink = scene.sink('block.example');
  sink.rule = ({ stage }) => (stage === 'mail' ? reply : undefined);
  const mail = scene.sink('ops.example').deliveries;
  const send = (serialPrefix: string) =>
    scene.burst({ mails: 1, from: '', to: () => 'u@block.example', serialPrefix });
  await send('first');
  await waitFor(async () => mail.length === 1 && (await told()).length === 1, { what: 'an alert' });
  t.match(mail[0], { recipient: 'ops@ops.example', sender: '' });
  t.match(mail[0]?.headers.get('subject'), /mail\.lab\.test: block blocks our address/);
  t.match(JSON.parse((await told())[0] ?? ''), {
    cause: 'blocked',
    provider: 'block',
    host: 'mail.lab.test',
    reply: /S3150/,
  });
  await scene.tell('resume', 'block');
  await send('second');
  await waitFor(() => sink.refusals.length === 2, { what: 'the second block' });
  const listed = async () => (await scene.postpace.control.feedback('block', 10)).events.length;
  await waitFor(async () => (await listed()) === 2, { what: 'the second reply to be read' });
  t.equal(scene.logged('alert: block blocks our address').length, 1);
  t.equal((await told()).length, 1);
  t.equal(mail.length, 1);
});

t.test('an alert that is held waits in the lane transactional', async (t) => {
  const reply = '550 5.7.25 The IP address sending this message does not have a PTR record set up';
  scene.sink('rdns.example').rule = ({ stage }) => (stage === 'mail' ? reply : undefined);
  await scene.tell('suspend', 'ops.example', '--for', '1h');
  await scene.burst({ mails: 1, from: '', to: () => 'u@rdns.example', serialPrefix: 'third' });
  const { control } = scene.postpace;
  const held = () => control.held({ provider: 'ops.example' });
  await waitFor(async () => (await held()).length === 1, { what: 'the alert to be held' });
  t.match(await held(), [{ sender: '', recipients: ['ops@ops.example'], lane: 'transactional' }]);
  await scene.tell('resume', 'ops.example');
  const mail = scene.sink('ops.example').deliveries;
  await waitFor(() => mail.length === 2, { what: 'the alert' });
  t.match(mail[1]?.headers.get('x-postpace-alert'), 'bad_rdns');
});
