import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import { send } from '../../lab/client.ts';
import { startPostfix } from '../../lab/postfix.ts';
import { waitFor } from '../../lab/wait.ts';
import type { QueuedMessage } from '../../src/pace/ports.ts';
import { PostfixQueue, readQueueLine } from '../../src/postfix/queue.ts';

// On a busy machine a process of Postfix takes its time.
t.setTimeout(180_000);

async function all(queue: PostfixQueue): Promise<readonly QueuedMessage[]> {
  const found: QueuedMessage[] = [];
  for await (const message of queue.list()) found.push(message);
  return found;
}

/** Puts a postqueue of our own before the real one; undone at the end of the test. */
async function fakePostqueue(t: { teardown(undo: () => unknown): void }, script: string) {
  const directory = await mkdtemp(join(tmpdir(), 'postpace-queue-'));
  const path = process.env.PATH ?? '';
  t.teardown(() => {
    process.env.PATH = path;
    return rm(directory, { recursive: true, force: true });
  });
  await writeFile(join(directory, 'postqueue'), `#!/bin/sh\n${script}\n`);
  await chmod(join(directory, 'postqueue'), 0o755);
  process.env.PATH = `${directory}${delimiter}${path}`;
}

await t.test('a line of postqueue -j', (t) => {
  const line =
    '{"queue_name": "deferred", "queue_id": "F1332C04F87", "arrival_time": 1771985177, "message_size": 30857, "forced_expire": false, "sender": "MAILER-DAEMON", "recipients": [{"address": "a@b.example", "delay_reason": "host x said: 451 later"}, {"address": "c@d.example"}]}';
  t.same(readQueueLine(line), {
    queue: 'deferred',
    queueId: 'F1332C04F87',
    arrivalSec: 1771985177,
    sizeBytes: 30857,
    sender: '',
    recipients: [
      { address: 'a@b.example', delayReason: 'host x said: 451 later' },
      { address: 'c@d.example' },
    ],
  });
  for (const bad of ['', 'Mail queue is empty', '[]', '{}', line.replace('deferred', 'limbo')])
    t.throws(() => readQueueLine(bad), { message: /^postqueue -j: unexpected line/ });
  t.end();
});

await t.test('the real queue', async (t) => {
  const postfix = await startPostfix({
    main: { smtpd_sender_restrictions: 'check_recipient_access static:HOLD' },
  });
  t.teardown(() => postfix.stop());
  const queue = new PostfixQueue(postfix.configDirectory);
  t.same(await all(queue), []);
  const to = ['one@far.test', 'two@far.test'];
  const { queueId } = await send({ port: postfix.port }, { from: '', to });
  await waitFor(async () => (await all(queue)).length === 1);
  t.match(await all(queue), [
    { queue: 'hold', queueId, sender: '', recipients: to.map((address) => ({ address })) },
  ]);
  for await (const message of queue.list()) {
    t.equal(message.queueId, queueId, 'stopping in the middle is fine');
    break;
  }
});

await t.test('what fails is said', async (t) => {
  await t.rejects(all(new PostfixQueue('/nowhere')), {
    message: /^postqueue -c \/nowhere -j: .*No such file or directory/,
  });
  await fakePostqueue(t, `echo '{"queue_name": "hold", "queue_id"'; echo oops >&2; exit 1`);
  await t.rejects(all(new PostfixQueue('/x')), { message: /unexpected line/ });
});

await t.test('a listing that breaks off is none', async (t) => {
  const line =
    '{"queue_name":"hold","queue_id":"F1332C04F87","arrival_time":1,"message_size":1,"sender":"a","recipients":[]}';
  await fakePostqueue(t, `echo '${line}'; echo 'postqueue: fatal: broken' >&2; exit 69`);
  await t.rejects(all(new PostfixQueue('/x')), {
    message: 'postqueue -c /x -j: postqueue: fatal: broken',
  });
});

await t.test('no postqueue at all', async (t) => {
  const path = process.env.PATH;
  process.env.PATH = '/nowhere';
  t.teardown(() => (process.env.PATH = path));
  await t.rejects(all(new PostfixQueue('/x')), { message: /command not found/ });
});

await t.test('ten thousand messages keep nobody waiting', async (t) => {
  const line =
    '{"queue_name": "hold", "queue_id": "F1332C04F87", "arrival_time": 1771985177, "message_size": 30857, "forced_expire": false, "sender": "app@lab.test", "recipients": [{"address": "someone@far.test"}]}';
  await fakePostqueue(t, `yes '${line}' | head -n 10000`);
  let turns = 0;
  const timer = new AbortController();
  const counting = (async () => {
    for (; !timer.signal.aborted; turns++) await setImmediate();
  })();
  t.equal((await all(new PostfixQueue('/x'))).length, 10_000);
  timer.abort();
  await counting;
  // A pipe gives 64 KB at a time at most, which take 3 ms.
  t.ok(turns > (10_000 * line.length) / 65_536, `${turns} turns`);
});
