import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { waitFor } from '../../lab/wait.ts';

const MAIN = fileURLToPath(new URL('../../lab/demo/main.js', import.meta.url));

/** The demo in a directory of its own, with a temporary directory of its own. */
async function start(t: Test, ...args: readonly string[]) {
  const home = await mkdtemp(join(tmpdir(), 'postpace-demo-test-'));
  const temporary = await mkdtemp(join(tmpdir(), 'postpace-demo-tmp-'));
  await chmod(temporary, 0o755);
  t.teardown(async () => {
    await rm(home, { recursive: true });
    await rm(temporary, { recursive: true });
  });
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: home,
    env: { ...process.env, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
  const ended = once(child, 'close');
  return { child, home, temporary, said, ended };
}

async function nothingLeft(t: Test, temporary: string): Promise<void> {
  t.same(await readdir(temporary), [], 'no temporary file remains');
  t.same(processesNaming(temporary), [], 'no process remains');
}

function processesNaming(text: string): readonly string[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return line.includes(text) ? [line] : [];
      } catch {
        return [];
      }
    });
}

t.test('a small @all: all delivered once, the limits kept, a picture, nothing left', async (t) => {
  const { home, temporary, said, ended, child } = await start(t, '--mails', '60');
  await ended;
  t.equal(child.exitCode, 0, said.err);
  t.match(said.out, /accepted from the application +60\n/);
  t.match(said.out, /delivered +60\n/);
  t.match(said.out, /lost +0\n/);
  t.match(said.out, /duplicated +0\n/);
  t.match(said.out, /UTC: 47 delivered, limit kept: at most \d+ of 22 let go in any minute/);
  t.match(said.out, /^\d:\d\d {2}taken \d+, sent \d+, held \d+/m);
  t.match(await readFile(join(home, 'demo-arrivals.svg'), 'utf8'), /^<svg .*<\/svg>\n$/s);
  t.same(await readdir(home), ['demo-arrivals.svg']);
  await nothingLeft(t, temporary);
});

t.test('the same burst without postpace loses mail, and says so', async (t) => {
  const { temporary, said, ended, child } = await start(t, '--mails', '120', '--without');
  await ended;
  t.equal(child.exitCode, 1, said.err);
  t.match(said.out, /lost +[1-9]\d* +\([1-9]\d* bounces/);
  t.match(said.out, /\d+ times "550 5\.7\.1 Policy reason"/);
  await nothingLeft(t, temporary);
});

t.test('interrupted, it ends everything and says so', async (t) => {
  const { temporary, said, ended, child } = await start(t, '--mails', '200');
  await waitFor(() => /held [1-9]/.test(said.out), { what: 'mail to be held' });
  child.kill('SIGINT');
  await ended;
  t.equal(child.exitCode, 130, said.err);
  t.match(said.err, /interrupted/);
  await nothingLeft(t, temporary);
});

t.test('what can not start is told, and nothing is left', async (t) => {
  const { temporary, said, ended, child } = await start(t, '--mails', '60');
  await chmod(temporary, 0o700);
  await ended;
  t.equal(child.exitCode, 1);
  t.match(said.err, /^demo: Postfix can't enter .*: set TMPDIR/);
  await nothingLeft(t, temporary);
});

t.test('a wrong option is told, exit 2, and nothing is started', async (t) => {
  const { temporary, said, ended, child } = await start(t, '--mails', 'many');
  await ended;
  t.equal(child.exitCode, 2);
  t.match(said.err, /--mails: found 'many', expected a whole number from 1 to 5000/);
  await nothingLeft(t, temporary);
});

t.test('a wrong length of the feedback demo is told', async (t) => {
  const { temporary, said, ended, child } = await start(t, '--feedback', '--hours', '0');
  await ended;
  t.equal(child.exitCode, 2);
  t.match(said.err, /--hours: found '0', expected a whole number from 1 to 720/);
  await nothingLeft(t, temporary);
});
