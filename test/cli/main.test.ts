import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

import { packageVersion } from '../../src/version.ts';
import { fakeDaemon, heldMessage } from '../control/fake-daemon.ts';
import { ENV, MAIN, postpace, served, type Served } from './postpace.ts';

// Every run is a process of its own: a busy machine needs its time.
t.setTimeout(120_000);

let fake: Served;
t.before(async () => {
  fake = await served();
});
t.teardown(() => fake.close());

t.test('a usage error: exit 2, what was meant, where help is', async (test) => {
  test.same(await fake.run('limits', 'shwo'), {
    exit: 2,
    out: '',
    err: 'postpace: Unknown verb shwo. Did you mean show?\nTry: postpace limits --help\n',
  });
  test.same(fake.daemon.asked, [], 'the daemon was not asked');
});

t.test('--help and --version', async (test) => {
  const help = await postpace(['--help']);
  test.equal(help.exit, 0);
  test.match(
    help.out,
    /postpace limits .*Show and change[^]*Exit status: 0 done, 1 failed, 2 usage/,
  );
  test.same(await postpace(['--version']), { exit: 0, out: `${packageVersion()}\n`, err: '' });
});

t.test('no daemon: exit 69, and what to do', async (test) => {
  const socket = join(fake.directory, 'nobody.sock');
  const verbs = [['status'], ['status', '--watch'], ['held', 'list', '--json'], ['reload']];
  for (const words of verbs) {
    const ran = await postpace([...words, '--control', socket]);
    test.equal(ran.exit, 69, words.join(' '));
    test.equal(ran.out, '');
    test.match(
      ran.err,
      /^postpace: No daemon: there is no control socket .*nobody\.sock\. Is postpace/,
    );
  }
});

t.test('a frozen daemon: exit 69 within the time, for questions and deeds', async (test) => {
  const socket = join(fake.directory, 'frozen.sock');
  const server = fileURLToPath(new URL('../../src/control/server.js', import.meta.url));
  const target = fileURLToPath(new URL('../control/fake-daemon.js', import.meta.url));
  const script = `
    const { serveControl } = await import(${JSON.stringify(server)});
    const { fakeDaemon } = await import(${JSON.stringify(target)});
    await serveControl(${JSON.stringify(socket)}, fakeDaemon());
    console.log('on');`;
  const daemon = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  test.teardown(() => daemon.kill('SIGKILL'));
  await once(daemon.stdout, 'data');
  test.equal((await postpace(['status', '--control', socket])).exit, 0, 'it answers');
  daemon.kill('SIGSTOP');
  const frozen = await Promise.all([
    postpace(['status', '--control', socket]),
    postpace(['suspend', 'utc', '--control', socket]),
  ]);
  for (const ran of frozen) {
    test.equal(ran.exit, 69);
    test.match(ran.err, /took the connection on .*frozen\.sock and did not answer in time/);
  }
  daemon.kill('SIGCONT');
  test.equal((await postpace(['status', '--control', socket])).exit, 0, 'and answers again');
});

t.test('reload', async (test) => {
  test.same(await fake.run('reload'), {
    exit: 0,
    out: 'The configuration was read again and is in force.\n',
    err: '',
  });
  test.same(JSON.parse((await fake.run('reload', '--json')).out), { reloaded: true });
});

t.test('a configuration that names no usable socket: exit 78', async (test) => {
  const ran = await postpace(['status', '--config', '/nonexistent/postpace.yaml']);
  test.equal(ran.exit, 78);
  test.match(ran.err, /^postpace: \/nonexistent\/postpace\.yaml: can't be read/);
});

t.test('a reader that leaves early is no failure', async (test) => {
  const many = Array.from({ length: 5_000 }, (_, n) => heldMessage(n));
  const other = await served(fakeDaemon(many));
  test.teardown(() => other.close());
  const command = `"${process.execPath}" "${MAIN}" held list --control "${other.socket}" | head -n 1; echo "\${PIPESTATUS[0]}"`;
  const child = spawn('bash', ['--norc', '-c', command], { env: ENV });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (out += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (err += chunk));
  await once(child, 'close');
  test.match(out, /^ID .*\n0\n$/);
  test.equal(err, '');
});
