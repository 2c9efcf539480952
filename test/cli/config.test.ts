import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';

import { postpace, served, type Served } from './postpace.ts';

// Every run is a process of its own: a busy machine needs its time.
t.setTimeout(120_000);

let fake: Served;
let directory: string;
t.before(async () => {
  fake = await served();
  directory = await mkdtemp(join(tmpdir(), 'postpace-config-'));
});
t.teardown(async () => {
  await fake.close();
  await rm(directory, { recursive: true });
});

async function file(name: string, text: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, text);
  return path;
}

t.test('config check: a good file', async (test) => {
  const good = await file('good.yaml', 'mode: observe\n');
  test.same(await postpace(['config', 'check', '--config', good]), {
    exit: 0,
    out: `${good}: no mistakes.\n`,
    err: '',
  });
  const json = await postpace(['config', 'check', '--config', good, '--json']);
  test.same(JSON.parse(json.out), { ok: true, file: good, errors: [], warnings: [] });
  const byEnv = await postpace(['config', 'check'], { POSTPACE_CONFIG: good });
  test.equal(byEnv.out, `${good}: no mistakes.\n`);
});

t.test('config check: a rule that is none is a warning', async (test) => {
  const text = 'feedback: { not_final: [qq/nonsense, nobody/x, outlook/s3150] }\n';
  const odd = await file('odd.yaml', text);
  const { exit, out, err } = await postpace(['config', 'check', '--config', odd]);
  test.equal(exit, 0);
  test.equal(out, `${odd}: no mistakes.\n`);
  const [first, second, ...rest] = err.trimEnd().split('\n');
  test.match(
    first,
    /^warning: feedback\.not_final: found qq\/nonsense, .* expected qq\/[\w-]+, qq\//,
  );
  test.match(second, /found nobody\/x, which is no rule, expected an id that/);
  test.same(rest, []);
  const json = await postpace(['config', 'check', '--config', odd, '--json']);
  test.equal(json.exit, 0);
  test.equal(JSON.parse(json.out).warnings.length, 2);
});

t.test('config check: mistakes are exit 78, each with its line', async (test) => {
  const bad = await file('bad.yaml', 'mode: hold\nstoer: memory\ndefault: { pace: fast }\n');
  const text = await postpace(['config', 'check', '--config', bad]);
  test.equal(text.exit, 78);
  test.equal(text.out, '');
  test.ok(text.err.startsWith(`postpace: ${bad}:2: stoer: `), text.err);
  test.match(text.err, /bad\.yaml:3: default\.pace: /);
  const json = await postpace(['config', 'check', '--config', bad, '--json']);
  test.equal(json.exit, 78);
  const { ok, file: named, errors } = JSON.parse(json.out);
  test.same([ok, named, errors.length], [false, bad, 2]);
  test.equal((await postpace(['config', 'check', '--config', '/nonexistent/x'])).exit, 78);
});

t.test('config init is a file without mistakes', async (test) => {
  const printed = await postpace(['config', 'init']);
  test.equal(printed.exit, 0);
  const made = await file('init.yaml', printed.out);
  test.equal((await postpace(['config', 'check', '--config', made])).exit, 0);
  const json = await postpace(['config', 'init', '--json']);
  test.equal(JSON.parse(json.out).text, printed.out);
});

t.test('config show: what the daemon has', async (test) => {
  test.equal(
    (await fake.run('config', 'show')).out,
    'mode: hold\nstore: memory\nproviders:\n  utc:\n    pace: 20/min\n',
  );
  test.match(JSON.parse((await fake.run('config', 'show', '--json')).out), { store: 'memory' });
});

t.test('config show --offline: what a file would put in force', async (test) => {
  const path = await file('offline.yaml', 'mode: observe\nproviders: { utc: { pace: 7/min } }\n');
  const shown = await postpace(['config', 'show', '--offline', '--config', path]);
  test.match(parse(shown.out), { mode: 'observe', providers: { utc: { pace: '7/min' } } });
  const json = await postpace(['config', 'show', '--offline', '--config', path, '--json']);
  test.same(JSON.parse(json.out), parse(shown.out));
});
