import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import t from 'tap';
import { burst } from '../../lab/client.ts';
import { account, overruns } from '../../lab/ledger.ts';
import { startPostfix } from '../../lab/postfix.ts';
import { MILTER, startPostpace } from '../../lab/postpace.ts';
import { isAlive } from '../../lab/process.ts';
import { startSink } from '../../lab/sink.ts';
import { waitFor } from '../../lab/wait.ts';

t.test('postpace paces beside a private Postfix, and survives a restart', async (t) => {
  const sink = await startSink();
  const postfix = await startPostfix({ routes: { 'slow.test': sink.port }, milters: MILTER });
  const slow = { domains: ['slow.test'], pace: '5/s', burst: 1, quotas: [], in_flight: 5 };
  const postpace = await startPostpace(postfix, { providers: { slow } });
  t.teardown(async () => {
    await postpace.stop();
    await postfix.stop();
    await sink.close();
  });
  const sent = await burst({
    port: postfix.port,
    mails: 12,
    from: 'app@lab.test',
    to: (index) => `user${index}@slow.test`,
  });
  await postpace.restart();
  const told = await postpace.cli('status', 'slow', '--json');
  t.match(told.json(), { providers: [{ provider: 'slow' }], pid: postpace.pid });
  await postfix.waitFor(() => sink.deliveries.length >= 12, { what: '12 deliveries' });
  t.match(account(sent, sink.deliveries), { accepted: 12, delivered: 12, duplicated: [] });
  const times = sink.deliveries.map(({ mailAtMs }) => mailAtMs);
  t.same(overruns(times, [{ count: 5, windowMs: 1000, burst: 1 }], 400), []);
});

t.test('what a killed process leaves is cleaned up', async (t) => {
  const lab = new URL('../../lab/', import.meta.url).href;
  const program = `
    const { startPostfix } = await import('${lab}postfix.js');
    const { startPostpace } = await import('${lab}postpace.js');
    const postfix = await startPostfix();
    const postpace = await startPostpace(postfix);
    console.log([postfix.directory, postfix.pid, postpace.pid].join(' '));
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const line = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).once('line', resolve);
    child.once('exit', () => reject(new Error('it ended by itself')));
  });
  const [directory = '', ...pids] = line.split(' ');
  t.ok(existsSync(directory));
  t.ok(pids.map(Number).every(isAlive));
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
  await waitFor(() => !pids.map(Number).some(isAlive), { what: 'both to be ended' });
  await waitFor(() => !existsSync(directory), { what: 'the directory to be removed' });
});
