/**
 * `postpace postfix gate --apply` and `--remove` with the real postmulti. It works on /etc/postfix
 * alone, so the commands run where a private instance is mounted there, seen by nobody else.
 */
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { send } from '../../lab/client.ts';
import { freePort } from '../../lab/port.ts';
import { startPostfix } from '../../lab/postfix.ts';
import { command, terminateGroup } from '../../lab/process.ts';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));

t.setTimeout(300_000);

const first = await startPostfix();
const port = await freePort();
const directory = join(first.directory, 'etc', 'postfix-gate');
const queue = join(first.directory, 'postfix-gate');
await mkdir(join(first.directory, 'etc'));
// Where it is mounted it has another path.
await first.command(['postconf', '-X', 'config_directory']);
// Debian keeps what a new instance is made of in /etc/postfix too.
for (const name of ['main.cf.proto', 'master.cf.proto', 'postfix-files', 'dynamicmaps.cf']) {
  await copyFile(join('/etc/postfix', name), join(first.configDirectory, name));
}
t.teardown(async () => {
  const pid = await readFile(join(queue, 'pid/master.pid'), 'utf8').catch(() => undefined);
  if (pid !== undefined) await terminateGroup(Number(pid)).catch(() => undefined);
  await first.stop();
});

async function gate(...options: readonly string[]) {
  const script = 'mount --bind "$1" /etc/postfix && shift && exec "$@"';
  const argv = [process.execPath, MAIN, 'postfix', 'gate', '--directory', directory];
  const inside = ['unshare', '-m', 'sh', '-c', script, 'sh', first.configDirectory];
  const told = await command([...inside, ...argv, '--port', String(port), ...options]);
  return { ...told, text: `${told.stdout}\n${told.stderr}` };
}

const mail = { from: 'app@lab.test', to: ['somebody@gmail.com'] };
const before = (await first.command(['postconf', '-n'])).stdout;
const services = (await first.command(['postconf', '-M'])).stdout;

await t.test('without --apply nothing is changed', async (t) => {
  const { code, text } = await gate();
  t.equal(code, 0, text.slice(0, 500));
  t.ok(text.includes('postmulti -I postfix-gate -e create'));
  t.ok(text.includes('Nothing was changed'));
  t.notOk(existsSync(directory));
  t.equal((await first.command(['postconf', '-n'])).stdout, before);
});

await t.test('--apply makes the instance and starts it', async (t) => {
  const { code, text } = await gate('--apply');
  t.equal(code, 0, text.slice(0, 500));
  t.match(text, /Kept a copy: .*main\.cf\.postpace-/);
  t.match(text, /wait: 20s/);
  // The gate runs; postpace does not: it refuses for now, and lets nothing through.
  t.match((await send({ host: '127.0.0.2', port }, mail)).reply, /^451 4\.7\.1 /);
});

await t.test('a second --apply changes nothing', async (t) => {
  const { stdout, code } = await gate('--json');
  t.equal(code, 0);
  t.match(JSON.parse(stdout), { first: [], gate: [] });
});

await t.test('--remove takes it all back', async (t) => {
  const { code, text } = await gate('--remove', '--apply');
  t.equal(code, 0, text.slice(0, 500));
  t.match(text, /The gate is gone/);
  const now = (await first.command(['postconf', '-n'])).stdout.split('\n');
  const left = now.filter((line) => !before.includes(line) && !line.startsWith('multi_instance'));
  t.same(left, [], 'settings are as they were');
  t.equal((await first.command(['postconf', '-M'])).stdout, services, 'and the services');
  t.notOk(existsSync(join(directory, 'main.cf')));
  t.equal((await send({ host: '127.0.0.2', port }, mail)).code, 0, 'nobody listens there');
});
