/** What postpace-check.timer runs, on a Postfix whose milter is down. No systemd runs here: down. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { send } from '../../lab/client.ts';
import { startPostfix } from '../../lab/postfix.ts';
import { waitFor } from '../../lab/wait.ts';

const run = promisify(execFile);

let root = import.meta.dirname;
while (!existsSync(join(root, 'package-lock.json'))) root = dirname(root);

t.setTimeout(120_000);

t.test('root is told once, by a mail that is not held itself', async (t) => {
  const milters = '{ unix:postpace/milter.sock, default_action=quarantine }';
  const postfix = await startPostfix({ milters });
  t.teardown(() => postfix.stop());
  const state = await mkdtemp(join(tmpdir(), 'postpace-check-'));
  t.teardown(() => rm(state, { recursive: true }));
  const check = async () => {
    const env = {
      ...process.env,
      STATE_DIRECTORY: state,
      MAIL_CONFIG: postfix.configDirectory,
    };
    return (await run('sh', [join(root, 'systemd', 'postpace-check')], { env })).stdout;
  };
  const minutesAgo = async (name: string, minutes: number) => {
    const then = Date.now() / 1000 - minutes * 60;
    await writeFile(join(state, name), '');
    await utimes(join(state, name), then, then);
  };

  t.equal(await check(), '', 'the first look starts the clock');
  t.ok(existsSync(join(state, 'down')));
  await minutesAgo('down', 9);
  await send(postfix, { from: 'app@lab.test', to: ['someone@lab.test'] });
  t.equal(await check(), '', 'not yet ten minutes');
  await minutesAgo('down', 11);
  t.match(await check(), /not running on mail\.lab\.test, and 1 messages are held/);
  await waitFor(async () => (await postfix.mailbox('root@lab.test')).length === 1, {
    what: "root's mail",
  });
  t.match((await postfix.mailbox('root@lab.test'))[0], /1 messages are held/);
  const held = (await postfix.postqueue()).map(({ sender }) => sender);
  t.same(held, ['app@lab.test'], 'the held mail stays');
  t.equal(await check(), '', 'told once');
  await minutesAgo('told', 361);
  t.match(await check(), /1 messages are held/, 'and again after six hours');
});

t.test('nothing held, nothing said', async (t) => {
  const postfix = await startPostfix();
  t.teardown(() => postfix.stop());
  const state = await mkdtemp(join(tmpdir(), 'postpace-check-'));
  t.teardown(() => rm(state, { recursive: true }));
  await writeFile(join(state, 'down'), '');
  await utimes(join(state, 'down'), 1, 1);
  const env = { ...process.env, STATE_DIRECTORY: state, MAIL_CONFIG: postfix.configDirectory };
  t.equal((await run('sh', [join(root, 'systemd', 'postpace-check')], { env })).stdout, '');
});
