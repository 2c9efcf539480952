/** The units as systemd-analyze sees them. */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { DEFAULTS } from '../../src/config/defaults.ts';

const run = promisify(execFile);

let root = import.meta.dirname;
while (!existsSync(join(root, 'package-lock.json'))) root = dirname(root);
const source = join(root, 'systemd');
const scratch = await mkdtemp(join(tmpdir(), 'postpace-units-'));
t.teardown(() => rm(scratch, { recursive: true }));
await cp(source, scratch, { recursive: true });
const units = (await readdir(scratch)).filter((name) => /\.(service|socket|timer)$/.test(name));

async function listens(name: string): Promise<string | undefined> {
  return /^ListenStream=(.*)$/m.exec(await readFile(join(source, name), 'utf8'))?.[1];
}

t.test('systemd-analyze verify has nothing to say', async (t) => {
  t.equal(units.length, 10);
  const paths = units.map((name) => join(scratch, name));
  const { stdout, stderr } = await run('systemd-analyze', ['verify', '--man=no', ...paths]);
  t.equal(stdout + stderr, '');
});

t.test('it would have: a unit with a mistake', async (t) => {
  const broken = join(scratch, 'broken.service');
  const text = await readFile(join(scratch, 'postpace.service'), 'utf8');
  await writeFile(broken, text.replace('ProtectSystem=strict', 'ProtectSystem=strickt'));
  const verdict = await run('systemd-analyze', ['verify', '--man=no', broken]).catch(
    (error: { stderr: string }) => error,
  );
  t.match(verdict.stderr, /broken\.service:\d+: Failed to parse protect system/);
  await rm(broken);
});

/** The daemon has no rights at all; postsuper and sendmail need root and some capabilities. */
const MOST: Readonly<Record<string, number>> = {
  'postpace.service': 2,
  'postpace-release@.service': 2.3,
  'postpace-hold@.service': 2.3,
  'postpace-expire@.service': 2.3,
  'postpace-check.service': 3.2,
};

t.test('exposure: the daemon at most 2.0', async (t) => {
  t.same(
    units.filter((unit) => unit.endsWith('.service')).toSorted(),
    Object.keys(MOST).toSorted(),
  );
  for (const [name, most] of Object.entries(MOST)) {
    const { stdout } = await run('systemd-analyze', [
      'security',
      '--offline=true',
      '--no-pager',
      join(scratch, name),
    ]);
    const score = Number(/exposure level for .*: ([\d.]+) /.exec(stdout)?.[1]);
    t.ok(score <= most, `${name}: ${score}`);
  }
});

t.test('the sockets are where the configuration looks for them', async (t) => {
  t.match(DEFAULTS.listen, { path: await listens('postpace.socket') });
  t.match(DEFAULTS.postfix.release, { path: await listens('postpace-release.socket') });
  t.match(DEFAULTS.postfix.hold, { path: await listens('postpace-hold.socket') });
});
