/** The root helpers as systemd runs them: socket-activated, with their capabilities and no more. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { send } from '../../lab/client.ts';
import { freePort } from '../../lab/port.ts';
import { startPostfix, type PrivatePostfix } from '../../lab/postfix.ts';
import { waitFor } from '../../lab/wait.ts';

let root = import.meta.dirname;
while (!existsSync(join(root, 'package-lock.json'))) root = dirname(root);

/** What a unit's ExecStart and CapabilityBoundingSet say, as a command on one instance. */
async function commandOf(unit: string, configDirectory: string): Promise<readonly string[]> {
  const lines = (await readFile(join(root, 'systemd', unit), 'utf8')).split('\n');
  const value = (key: string) =>
    lines.find((line) => line.startsWith(`${key}=`))?.slice(key.length + 1) ?? '';
  const [program = '', ...args] = value('ExecStart').split(' ');
  const capabilities = value('CapabilityBoundingSet')
    .split(' ')
    .map((name) => `,+${name.replace('CAP_', '').toLowerCase()}`);
  const argv = [program, '-c', configDirectory, ...args];
  return ['setpriv', '--no-new-privs', `--bounding-set=-all${capabilities.join('')}`, ...argv];
}

async function activated(unit: string, postfix: PrivatePostfix) {
  const directory = await mkdtemp(join(tmpdir(), 'postpace-helper-'));
  const socket = join(directory, 'socket');
  const argv = await commandOf(unit, postfix.configDirectory);
  // StandardError=socket
  const command = ['sh', '-c', 'exec "$@" 2>&1', 'sh', ...argv];
  const listen = ['--accept', '--inetd', `--listen=${socket}`];
  const child = spawn('systemd-socket-activate', [...listen, ...command], { stdio: 'ignore' });
  await waitFor(() => existsSync(socket), { what: 'the socket' });
  return {
    ask: async (ids: readonly string[]): Promise<string> => {
      const connection = connect(socket);
      connection.end(ids.map((id) => `${id}\n`).join(''));
      return text(connection);
    },
    close: async () => {
      child.kill();
      await once(child, 'close');
      await rm(directory, { recursive: true });
    },
  };
}

async function idsIn(postfix: PrivatePostfix, queue: string, count: number) {
  return postfix.waitFor(
    async () => {
      const found = (await postfix.postqueue()).filter((each) => each.queue_name === queue);
      return found.length === count ? found.map((each) => each.queue_id) : undefined;
    },
    { what: `${count} messages in ${queue}`, everyMs: 100 },
  );
}

t.setTimeout(120_000);

t.test('hold, release and expire, line by line over a socket', async (t) => {
  const port = await freePort();
  const postfix = await startPostfix({
    routes: { 'closed.test': port },
    main: { minimal_backoff_time: '300s', maximal_backoff_time: '300s' },
  });
  t.teardown(() => postfix.stop());
  for (const to of ['a@closed.test', 'b@closed.test'])
    await send(postfix, { from: 'app@lab.test', to: [to] });
  const deferred = await idsIn(postfix, 'deferred', 2);

  const hold = await activated('postpace-hold@.service', postfix);
  t.teardown(() => hold.close());
  const answer = await hold.ask([...deferred, '0123456789']);
  for (const id of deferred) t.match(answer, `${id}: placed on hold`);
  t.match(answer, /Placed on hold: 2 messages/);
  t.same((await idsIn(postfix, 'hold', 2)).toSorted(), deferred.toSorted());

  const release = await activated('postpace-release@.service', postfix);
  t.teardown(() => release.close());
  const [one = '', two = ''] = deferred;
  t.match(await release.ask([one]), `${one}: released from hold`);
  t.notMatch(await release.ask(['ALL']), 'released from hold', 'ALL is no word of power');
  t.same(await idsIn(postfix, 'hold', 1), [two]);

  const expire = await activated('postpace-expire@.service', postfix);
  t.teardown(() => expire.close());
  t.match(await expire.ask([two]), /expired/i);
  await postfix.command(['postqueue', '-i', two]);
  await postfix.waitFor(async () => (await postfix.mailbox('app@lab.test')).length === 1, {
    what: 'the bounce',
  });
});
