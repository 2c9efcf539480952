/** The daemon on a socket that systemd passes, behind a Postfix that `postfix configure` set up. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { burst } from '../../lab/client.ts';
import { startPostfix } from '../../lab/postfix.ts';
import { command } from '../../lab/process.ts';
import { startSink } from '../../lab/sink.ts';
import { waitFor } from '../../lab/wait.ts';
import { Postpace } from '../../lab/postpace.ts';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));

const to = (index: number) => `user${index}@big.test`;

t.setTimeout(120_000);

t.test('configured, activated by the first mail, ended, unconfigured', async (t) => {
  const sink = await startSink();
  t.teardown(() => sink.close());
  const postfix = await startPostfix({ routes: { 'big.test': sink.port } });
  t.teardown(() => postfix.stop());
  const postpace = new Postpace(postfix);
  await mkdir(postpace.stateDir);
  await postpace.configure({
    listen: 'systemd:milter',
    providers: { big: { domains: ['big.test'], pace: '1/h', burst: 1 } },
  });
  const configured = await postpace.cli('postfix', 'configure', '--apply');
  t.equal(configured.code, 0, configured.stderr);
  t.match(configured.stdout, /What to do next:[^]*postfix -c \S+ reload/);

  // As postpace.socket has it: owned by postfix, 0660.
  const socket = join(postfix.queueDirectory, 'postpace', 'milter.sock');
  const activation = ['--fdname=milter', `--listen=${socket}`];
  const child = spawn(
    'systemd-socket-activate',
    [...activation, process.execPath, MAIN, 'serve', '--config', postpace.configFile],
    { stdio: 'ignore' },
  );
  if (child.pid !== undefined) postfix.keeper.pid(child.pid);
  const ended = once(child, 'exit');
  t.teardown(() => child.kill('SIGKILL'));
  await waitFor(() => existsSync(socket), { what: 'the socket' });
  await chown(socket, Number((await command(['id', '-u', 'postfix'])).stdout), 0);
  await chmod(socket, 0o660);
  await postfix.reload();

  const sent = await burst({
    port: postfix.port,
    mails: 4,
    connections: 4,
    from: 'a@lab.test',
    to,
  });
  t.ok(sent.every(({ code }) => code === 250));
  await waitFor(() => sink.deliveries.length === 1, { what: 'the first one' });
  await postfix.waitFor(async () => (await postfix.postqueue()).length === 3, {
    what: 'three held',
  });
  const status = await postpace.cli('status', '--json');
  t.equal(status.code, 0, status.stderr);
  child.kill('SIGTERM');
  await ended;

  const out = await postpace.cli('postfix', 'unconfigure', '--apply', '--json');
  t.equal(out.code, 0, out.stderr);
  const report: unknown = JSON.parse(out.stdout);
  const three = [String, String, String];
  t.match(report, { released: three, failed: [], foreign: [] }, 'by the records it left behind');
  await waitFor(() => sink.deliveries.length === 4, { what: 'the rest' });
  t.equal(new Set(sink.deliveries.map(({ recipient }) => recipient)).size, 4);
  t.equal((await postfix.command(['postconf', '-h', 'smtpd_milters'])).stdout.trim(), '');
});
