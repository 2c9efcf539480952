/** The messages as a service manager gets them, on a real datagram socket. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { waitFor } from '../../lab/wait.ts';
import { notifier } from '../../src/systemd/notify.ts';

async function receiver() {
  const directory = await mkdtemp(join(tmpdir(), 'postpace-notify-'));
  const socket = join(directory, 'notify');
  const record = join(directory, 'record');
  // Starts cat on the socket when the first message comes.
  const listen = ['--datagram', '--inetd', `--listen=${socket}`];
  const child = spawn('systemd-socket-activate', [...listen, 'sh', '-c', `exec cat > ${record}`], {
    stdio: 'ignore',
  });
  await waitFor(() => existsSync(socket), { what: 'the socket' });
  return {
    socket,
    messages: async () => (existsSync(record) ? readFile(record, 'utf8') : ''),
    close: async () => {
      child.kill();
      await once(child, 'close');
      await rm(directory, { recursive: true });
    },
  };
}

t.test('READY, RELOADING, READY, STOPPING arrive in that order', async (t) => {
  const manager = await receiver();
  t.teardown(() => manager.close());
  const troubles: string[] = [];
  const env = { ...process.env, NOTIFY_SOCKET: manager.socket };
  const systemd = notifier(env, (text) => troubles.push(text));
  systemd.ready();
  systemd.reloading();
  systemd.ready();
  systemd.stopping();
  systemd.close();
  const all = await waitFor(
    async () => {
      const text = await manager.messages();
      return text.includes('STOPPING=1') ? text : undefined;
    },
    { what: 'STOPPING=1' },
  );
  const states = all.match(/(?:READY|RELOADING|STOPPING)=1/g);
  t.same(states, ['READY=1', 'RELOADING=1', 'READY=1', 'STOPPING=1']);
  t.same(troubles, []);
});

t.test('the watchdog is fed until close', async (t) => {
  const manager = await receiver();
  t.teardown(() => manager.close());
  const env = { ...process.env, NOTIFY_SOCKET: manager.socket, WATCHDOG_USEC: '100000' };
  const troubles: string[] = [];
  const systemd = notifier({ ...env, WATCHDOG_PID: '42' }, (text) => troubles.push(text), 42);
  const beats = async () => (await manager.messages()).match(/WATCHDOG=1/g)?.length ?? 0;
  await waitFor(async () => (await beats()) >= 3, { what: 'three beats' });
  t.same(troubles, []);
  systemd.close();
});

t.test("no watchdog of another process's, and nothing without a service manager", async (t) => {
  const env = { ...process.env, NOTIFY_SOCKET: '/nowhere', WATCHDOG_USEC: '2000' };
  const troubles: string[] = [];
  const other = notifier({ ...env, WATCHDOG_PID: '1' }, (text) => troubles.push(text), 42);
  const alone = notifier({ ...process.env, NOTIFY_SOCKET: '' }, (text) => troubles.push(text));
  alone.ready();
  await new Promise((resolve) => {
    setTimeout(resolve, 50);
  });
  t.same(troubles, [], 'a beat would have failed by now');
  other.ready();
  await waitFor(() => troubles.length > 0, { what: 'the failure told' });
  t.match(troubles[0], /systemd-notify/);
  other.close();
  alone.close();
});
