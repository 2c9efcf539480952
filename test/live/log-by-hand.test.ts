/** Without a log to follow: lines that somebody hands in, and hands in again. */
import { readFile } from 'node:fs/promises';
import t from 'tap';
import { waitFor } from '../../lab/wait.ts';
import { startScene } from './scene.ts';

const scene = await startScene({
  sinks: { 'utc.example': {} },
  config: {
    default: { pace: 'none' },
    providers: { utc: { domains: ['utc.example'], pace: '60/min', burst: 100 } },
    feedback: { log: 'none' },
  },
});
t.teardown(() => scene.stop());
t.setTimeout(60_000);

await t.test('a line that is handed in twice charges nothing twice', async (t) => {
  await scene.burst({ mails: 2, from: 'app@here.example', to: (i) => `u${i}@utc.example` });
  await scene.arrived(2, 'utc.example', 10_000);
  const content = await readFile(scene.postfix.logFile, 'utf8');
  t.match(content, /status=sent/);
  for (let i = 0; i < 3; i += 1) await scene.postpace.control.ingest({ format: 'log', content });
  t.match(await scene.provider('utc'), { sent: { minute: 2 }, inFlight: 0 });
});

await t.test('a throttle that is handed in twice lowers the limit once', async (t) => {
  scene.sink('utc.example').rule = ({ stage }) =>
    stage === 'mail' ? '421 4.7.0 too many messages, slow down' : undefined;
  await scene.burst({ mails: 3, from: 'app@here.example', to: (i) => `v${i}@utc.example` });
  await waitFor(async () => (await readFile(scene.postfix.logFile, 'utf8')).includes('421 4.7.0'));
  const content = await readFile(scene.postfix.logFile, 'utf8');
  for (let i = 0; i < 3; i += 1) await scene.postpace.control.ingest({ format: 'log', content });
  const history = async () => scene.postpace.control.history('utc', 10);
  await waitFor(async () => (await history()).length > 0, { what: 'the limit lowered' });
  t.same(
    (await history()).map(({ kind }) => kind),
    ['tightened'],
  );
});
