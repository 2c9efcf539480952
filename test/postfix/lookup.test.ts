import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { tableReader } from '../../src/postfix/lookup.ts';

t.setTimeout(120_000);

const directory = await mkdtemp(join(tmpdir(), 'postpace-lookup-'));
t.teardown(() => rm(directory, { recursive: true }));
const table = `texthash:${join(directory, 'table')}`;
await writeFile(join(directory, 'main.cf'), 'compatibility_level = 3.6\n');
const rows = Array.from({ length: 300 }, (_, i) => `d${i}.test v${i}\n`);
await writeFile(join(directory, 'table'), rows.join(''));

/** Runs `first` of the shell's before each postmap; `work` begins with a table not yet asked. */
async function before(first: string, work: () => Promise<void>): Promise<void> {
  const script = `#!/bin/sh\n${first}\nexec /usr/sbin/postmap "$@"\n`;
  await writeFile(join(directory, 'postmap'), script, { mode: 0o755 });
  const path = process.env.PATH ?? '';
  process.env.PATH = `${directory}:${path}`;
  try {
    await work();
  } finally {
    process.env.PATH = path;
  }
}

/** Counts the processes. */
async function counted(work: () => Promise<void>): Promise<number> {
  const file = join(directory, 'count');
  await writeFile(file, '');
  await before(`echo one >>${file}`, work);
  return (await readFile(file, 'utf8')).split('\n').length - 1;
}

await t.test('questions that come while a table is asked are asked together', async (t) => {
  const lookUp = tableReader(directory);
  const processes = await counted(async () => {
    const answers = await Promise.all(
      rows.map((_, i) => lookUp(table, [`d${i}.test`, `none${i}.test`])),
    );
    answers.forEach((answer, i) => t.same([...answer], [[`d${i}.test`, `v${i}`]]));
  });
  // The first by itself, then fifty questions of two keys at a time.
  t.equal(processes, 7);
});

await t.test(
  'a table that cannot be read fails all of its questions, and no other table',
  async (t) => {
    const lookUp = tableReader(directory);
    const missing = `texthash:${join(directory, 'missing')}`;
    const asked = ['a', 'b', 'c'].map((key) => lookUp(missing, [key]));
    const good = lookUp(table, ['d7.test']);
    for (const one of asked) await t.rejects(one, /postmap.*missing/);
    t.same([...(await good)], [['d7.test', 'v7']]);
    await writeFile(join(directory, 'missing'), 'a b\n');
    t.same([...(await lookUp(missing, ['a', 'a']))], [['a', 'b']], 'asked anew');
  },
);

await t.test(
  'a shell that is killed fails its question, and the next one has another',
  async (t) => {
    const lookUp = tableReader(directory);
    const once = join(directory, 'once');
    await writeFile(once, '');
    await before(`rm ${once} 2>/dev/null && kill -9 $PPID`, async () => {
      await t.rejects(lookUp(table, ['d1.test']), /postmap.*ended with SIGKILL/);
      t.same([...(await lookUp(table, ['d1.test', 'd2.test']))].length, 2);
    });
  },
);

await t.test('a key that is no line is not asked for', async (t) => {
  const lookUp = tableReader(directory);
  const found = await lookUp(table, ['d1.test', '', 'd2.test\nd3.test', 'd4.test']);
  t.same([...found.keys()].toSorted(), ['d1.test', 'd4.test']);
  t.same([...(await lookUp(table, ['d5.test']))], [['d5.test', 'v5']], 'in step afterwards');
});
