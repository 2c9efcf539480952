import { spawnSync } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { Remembered } from '../../src/feedback/remembered.ts';
import { SentBook } from '../../src/feedback/sent-book.ts';

const folder = await mkdtemp(join(tmpdir(), 'postpace-remembered-'));
t.teardown(() => rm(folder, { recursive: true }));
const quiet = (text: string): never => {
  throw new Error(text);
};

t.test('the last so many, across a restart and a torn line', async (t) => {
  const path = join(folder, 'a.tsv');
  const open = (): Remembered => new Remembered({ path, most: 3, onTrouble: quiet });
  const first = open();
  for (const key of ['a', 'b', 'c', 'd']) first.set(key, `of ${key}`);
  first.set('b', 'anew');
  first.set('e\tf', 'g\nh');
  await first.flush();
  await appendFile(path, 'torn\tand not wh');
  const second = open();
  t.same(
    ['a', 'b', 'c', 'd', 'e f', 'torn'].map((key) => second.get(key)),
    [undefined, 'anew', undefined, 'of d', 'g h', undefined],
  );
  for (let i = 0; i < 5000; i += 1) second.set(`k${i}`, String(i));
  await second.flush();
  second.set('last', '1');
  await second.flush();
  t.ok((await readFile(path, 'utf8')).split('\n').length < 10, 'written anew');
  t.equal(open().get('k4999'), '4999');
  t.equal(open().get('last'), '1');
});

t.test('what is written behind a torn line is not torn with it', async (t) => {
  const path = join(folder, 'torn.tsv');
  await writeFile(path, 'a\t1\t\nb\t2');
  const open = (): Remembered => new Remembered({ path, most: 10, onTrouble: quiet });
  const first = open();
  first.set('c', '3');
  await first.flush();
  const second = open();
  t.same(
    ['a', 'b', 'c'].map((key) => second.get(key)),
    ['1', undefined, '3'],
  );
});

t.test('a disk that takes a part of it has refused it', (t) => {
  const script = `
    process.on('SIGXFSZ', () => undefined);
    const { Remembered } = await import(process.argv[1]);
    const kept = new Remembered({ path: process.argv[2], most: 1000, onTrouble: console.log });
    for (let i = 0; i < 100; i += 1) kept.set('key' + i, 'x'.repeat(20));
    await kept.flush();`;
  const module = new URL('../../src/feedback/remembered.js', import.meta.url).pathname;
  const argv = [process.execPath, '--input-type=module', '-e', script, module];
  const limited = ['-c', 'ulimit -f 1; exec "$@"', 'sh', ...argv, join(folder, 'small.tsv')];
  t.match(String(spawnSync('bash', limited).stdout), /small\.tsv can't be written: EFBIG/);
  t.end();
});

t.test('a disk that refuses is told of once, and made up for', async (t) => {
  const path = join(folder, 'gone', 'b.tsv');
  const told: string[] = [];
  const kept = new Remembered({ path, most: 10, onTrouble: (text) => told.push(text) });
  kept.set('a', '1');
  await kept.flush();
  kept.set('b', '2');
  await kept.flush();
  t.equal(told.length, 1);
  t.match(told[0], /b\.tsv can't be written/);
  await mkdir(join(folder, 'gone'));
  kept.set('c', '3');
  await kept.flush();
  const after = new Remembered({ path, most: 10, onTrouble: quiet });
  t.same(
    ['a', 'b', 'c'].map((key) => after.get(key)),
    ['1', '2', '3'],
  );
});

t.test('what is no file of ours is read as nothing', async (t) => {
  const path = join(folder, 'c.tsv');
  await writeFile(path, '\0\tx\n\n\t\t\nno tabs\n');
  t.equal(new Remembered({ path, most: 10, onTrouble: quiet }).size, 0);
});

t.test('the fate of a mail', (t) => {
  const kept = new Remembered({ path: join(folder, 'd.tsv'), most: 10, onTrouble: quiet });
  const sent = new SentBook(kept);
  sent.note('4cRxYz1abcz2Gk', ['Jane@utc.fr', undefined], {
    id: 'mx/4cRxYz1abcz2Gk',
    leftMs: 1_764_000_000_400,
    fate: 'deferred',
  });
  t.same(sent.find('4cRxYz1abcz2Gk', 'jane@UTC.fr'), {
    id: 'mx/4cRxYz1abcz2Gk',
    leftMs: 1_764_000_000_000,
    fate: 'deferred',
  });
  sent.note('5A', ['a@b'], { id: 'mx/4Cnamed-before', leftMs: 0, fate: 'taken' });
  t.match(sent.find('5A', 'a@b'), { id: 'mx/4Cnamed-before', fate: 'taken' });
  t.equal(sent.find('5A', 'x@b'), undefined);
  sent.note('5B', ['jane@müller.example'], { id: 'mx/5B', leftMs: 0, fate: 'taken' });
  t.match(sent.find('5B', 'Jane@xn--mller-kva.example'), { fate: 'taken' });
  t.end();
});
