import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { LogPosition } from '../../src/daemon/log-position.ts';
import { newStateDir } from '../pace/pacing.ts';

const at = (offset: number) =>
  ({ kind: 'file', path: '/var/log/mail.log', inode: 7, offset, check: 1, atMs: 2 }) as const;
const never = (): never => {
  throw new Error('no trouble was expected');
};

t.test('the last place is read back; none at the first start', async (t) => {
  const stateDir = newStateDir(t);
  const position = new LogPosition(stateDir);
  t.equal(await position.read(never), undefined);
  void position.save(at(1));
  void position.save(at(2));
  await position.save(at(3));
  t.same(await new LogPosition(stateDir).read(never), at(3));
  await position.save(undefined);
  t.same(await new LogPosition(stateDir).read(never), at(3));
  const journal = { kind: 'journal', cursor: 's=1;i=2', atMs: 5 } as const;
  await position.save(journal);
  t.same(await new LogPosition(stateDir).read(never), journal);
});

t.test('a file that is torn or is something else: read anew, and told', async (t) => {
  const stateDir = newStateDir(t);
  const path = join(stateDir, 'log-position.json');
  const whole = JSON.stringify(at(123));
  const table = [
    '',
    '{',
    whole.slice(0, 40),
    'null',
    '{"kind":"file"}',
    '[]',
    '\0\0\0',
    whole + whole,
  ];
  for (const text of table) {
    writeFileSync(path, text);
    const told: string[] = [];
    t.equal(await new LogPosition(stateDir).read((what) => told.push(what)), undefined, text);
    t.match(told, [/log-position\.json is no log position/]);
  }
});

t.test('a disk that refuses: the old place stays, the next save tries again', async (t) => {
  const stateDir = newStateDir(t);
  const path = join(stateDir, 'log-position.json');
  const position = new LogPosition(stateDir);
  await position.save(at(1));
  mkdirSync(`${path}.new`);
  await position.save(at(2));
  t.same(JSON.parse(readFileSync(path, 'utf8')), at(1));
  rmdirSync(`${path}.new`);
  const cursor = at(3);
  await position.save(cursor);
  t.same(JSON.parse(readFileSync(path, 'utf8')), at(3));
});
