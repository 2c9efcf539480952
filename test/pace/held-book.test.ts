import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { HeldBook } from '../../src/pace/held-book.ts';
import { encodeLine } from '../../src/pace/held-line.ts';
import { aRecord, newStateDir } from './pacing.ts';

interface Opened {
  readonly book: HeldBook;
  readonly told: string[];
}

function open(stateDir: string): Opened {
  const told: string[] = [];
  const book = new HeldBook({ stateDir, onTrouble: (text) => told.push(text) });
  return { book, told };
}

function idsOn(stateDir: string): readonly string[] {
  const { book } = open(stateDir);
  const ids = [...book.records()].map(({ queueId }) => queueId);
  book.close();
  return ids;
}

const record = (queueId: string) => aRecord(queueId, ['a@one.example'], 1000);
const linesIn = (stateDir: string) =>
  readFileSync(join(stateDir, 'held.ndjson'), 'utf8').split('\n').length - 1;

t.test('a record is on disk when put returns, and gone when drop does', async (t) => {
  const stateDir = newStateDir(t);
  const { book } = open(stateDir);
  book.put(record('AAAAAA1'));
  book.put(record('AAAAAA2'));
  t.same(idsOn(stateDir), ['AAAAAA1', 'AAAAAA2']);
  book.drop('AAAAAA1');
  book.drop('UNKNOWN');
  t.same(idsOn(stateDir), ['AAAAAA2']);
  book.put({ ...record('AAAAAA2'), deferrals: 3 });
  t.equal(open(stateDir).book.get('AAAAAA2')?.deferrals, 3, 'the last line counts');
  t.equal(linesIn(stateDir), 4, 'what is not there is not dropped');
  book.close();
});

t.test('damage of every kind costs the damaged line and no other', async (t) => {
  const good = encodeLine({ op: 'held', ...record('AAAAAA1') });
  const last = encodeLine({ op: 'held', ...record('AAAAAA9') });
  const table: readonly (readonly [string, string | Buffer])[] = [
    ['a line cut in the middle', `${good.slice(0, 50)}\n`],
    ['zeros, as after a power failure', Buffer.alloc(4096)],
    ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x80, 0x0a])],
    ['another program’s JSON', '{"hello":"world"}\n'],
    ['an id that is none', '{"op":"gone","queueId":"; rm -rf /"}\n'],
    ['two lines run together', `${good.trim()}${good}`],
  ];
  for (const [name, damage] of table) {
    const stateDir = newStateDir(t);
    const path = join(stateDir, 'held.ndjson');
    writeFileSync(path, good);
    appendFileSync(path, damage);
    if (!damage.toString('latin1').endsWith('\n')) appendFileSync(path, '\n');
    appendFileSync(path, last);
    const { book, told } = open(stateDir);
    t.same(
      [...book.records()].map(({ queueId }) => queueId),
      ['AAAAAA1', 'AAAAAA9'],
      name,
    );
    t.equal(told.length, 1, `${name}: told once`);
    t.match(told[0], /held\.ndjson: 1 damaged line/);
    book.close();
  }
});

t.test('a torn last line does not swallow the next one', async (t) => {
  const stateDir = newStateDir(t);
  const good = encodeLine({ op: 'held', ...record('AAAAAA1') });
  for (const cut of [1, 20, good.length - 2]) {
    writeFileSync(join(stateDir, 'held.ndjson'), good + good.slice(0, cut));
    const { book } = open(stateDir);
    book.put(record('AAAAAA2'));
    book.close();
    t.same(idsOn(stateDir), ['AAAAAA1', 'AAAAAA2'], `cut at ${cut}`);
  }
  writeFileSync(join(stateDir, 'held.ndjson'), good.trim());
  t.same(idsOn(stateDir), ['AAAAAA1'], 'whole but for its end: it counts');
});

t.test('grown, it is written anew, with the lines that come meanwhile', async (t) => {
  const stateDir = newStateDir(t);
  const { book, told } = open(stateDir);
  for (let i = 0; i < 1000; i++) book.put(record(`KEEP${i}x`));
  for (let i = 0; i < 2200; i++) book.put({ ...record('KEEP0x'), deferrals: i });
  await book.tidy();
  t.equal(linesIn(stateDir), 3200, 'not before it is worth it');
  for (let i = 0; i < 1000; i++) book.put({ ...record('KEEP0x'), deferrals: i });
  const tidied = book.tidy();
  void book.tidy();
  let turns = 0;
  const isDone = tidied.then(() => true);
  while (!(await Promise.race([isDone, new Promise((done) => setImmediate(done, false))]))) {
    book.put(record(`MEAN${turns}x`));
    book.drop(`KEEP${turns + 1}x`);
    turns++;
  }
  t.ok(turns > 1, 'it leaves room for others meanwhile');
  book.put(record('AFTER1'));
  t.same(told, []);
  const expected = [...book.records()];
  t.same([...open(stateDir).book.records()], expected);
  t.ok(linesIn(stateDir) < 1000 + 2 * turns + 2);
  t.notOk(existsSync(join(stateDir, 'held.ndjson.new')));
  book.close();
});

t.test('a crash during the writing leaves the old file, and is got over', async (t) => {
  const stateDir = newStateDir(t);
  const { book } = open(stateDir);
  book.put(record('AAAAAA1'));
  book.close();
  writeFileSync(join(stateDir, 'held.ndjson.new'), 'half a li');
  t.same(idsOn(stateDir), ['AAAAAA1']);
  const again = open(stateDir).book;
  for (let i = 0; i < 3000; i++) again.put(record('AAAAAA1'));
  await again.tidy();
  t.equal(linesIn(stateDir), 1);
  again.close();
});

t.test(
  'a full disk: written to the reserve, told once, and written as soon as it can be',
  async (t) => {
    const stateDir = newStateDir(t);
    const path = join(stateDir, 'held.ndjson');
    const { book, told } = open(stateDir);
    for (let i = 0; i < 2500; i++) book.put(record('AAAAAA1'));
    // Every write to it fails with ENOSPC.
    symlinkSync('/dev/full', `${path}.new`);
    await book.tidy();
    t.equal(told.length, 1);
    t.match(told[0], /ENOSPC.*reserve/);
    t.same(idsOn(stateDir), ['AAAAAA1'], 'the old file is as it was');
    book.put(record('AAAAAA2'));
    book.put(record('AAAAAA3'));
    book.drop('AAAAAA3');
    t.equal(book.get('AAAAAA2')?.queueId, 'AAAAAA2');
    t.same(idsOn(stateDir), ['AAAAAA1', 'AAAAAA2'], 'a crash now would find it in the reserve');
    symlinkSync('/dev/full', `${path}.new`);
    await book.tidy();
    t.equal(told.length, 1, 'each failure more is no news');
    t.notOk(existsSync(`${path}.new`), 'the half of a file is taken away');
    // Then the directory is at fault.
    mkdirSync(`${path}.new`);
    await book.tidy();
    t.equal(told.length, 1);
    rmdirSync(`${path}.new`);
    await book.tidy();
    t.match(told[1], /can be written again/);
    t.equal(told.length, 2);
    t.same(idsOn(stateDir), ['AAAAAA1', 'AAAAAA2']);
    t.equal(linesIn(stateDir), 2);
    book.put(record('AAAAAA4'));
    t.same(idsOn(stateDir), ['AAAAAA1', 'AAAAAA2', 'AAAAAA4'], 'and goes on as usual');
    book.close();
  },
);

t.test('a record that comes as the disk is found well again is written too', async (t) => {
  const stateDir = newStateDir(t);
  const path = join(stateDir, 'held.ndjson');
  const { book } = open(stateDir);
  mkdirSync(`${path}.new`);
  for (let i = 0; i < 2500; i++) book.put(record('AAAAAA1'));
  await book.tidy();
  rmdirSync(`${path}.new`);
  let serial = 0;
  const isDone = book.tidy().then(() => true);
  // One in every turn of the microtasks.
  const step = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) {
      await Promise.resolve();
      book.put(record(`STEP${serial++}x`));
    }
  };
  while (!(await Promise.race([isDone, new Promise((done) => setImmediate(done, false))]))) {
    await step();
  }
  t.equal(idsOn(stateDir).length, serial + 1);
  book.close();
});

t.test('a directory that can’t be used stops the start, and is named', async (t) => {
  const stateDir = newStateDir(t);
  const file = join(stateDir, 'file');
  writeFileSync(file, '');
  t.throws(() => open(join(file, 'below')), { message: new RegExp(file) });
  mkdirSync(join(stateDir, 'held.ndjson'));
  t.throws(() => open(stateDir), { code: 'EISDIR' });
});
