import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import * as fsPromises from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import * as fc from 'fast-check';
import t from 'tap';
import { UNTROUBLED } from '../../src/limit/standing.ts';
import { Journal } from '../../src/store/journal.ts';
import type { Recovery } from '../../src/store/journal.ts';
import { decodeLine, encodeLine } from '../../src/store/line.ts';
import type { Line } from '../../src/store/line.ts';
import { newStateDir } from './state-dir.ts';

const ADJUSTMENT = {
  atUs: 5,
  provider: 'utc',
  kind: 'suspend',
  from: 'é "a"\n',
  to: 'b',
  why: '550 5.7.1 Politique — désolé',
  by: 'root',
} as const;

const LINES: readonly Line[] = [
  ['time', 1_790_000_000_000_000],
  ['unclean', 1_790_000_000_000_000],
  [
    'account',
    'utc',
    1_790_000_360_000_000,
    3_000_000,
    86_400,
    [1_790_000_000_000_000, 2],
    [],
    [['h/A', 3]],
  ],
  ['sent', 'utc', 1_790_000_363_000_000, 3_000_000, 86_400, [1_790_000_001_000_000, 1], [7, 1]],
  ['flight', 'utc', 'h/B', 1_790_000_000_000_001],
  ['settled', 'utc', 'h/A'],
  ['control', 'utc', { suspended: { untilUs: 9 } }],
  ['control', 'qq', null],
  [
    'standing',
    'qq',
    {
      ...UNTROUBLED,
      epoch: 3,
      factor: 0.5,
      wall: { perMin: 9.5, atMs: 5 },
      stop: { phase: 'suspended', untilMs: 7, times: 1 },
    },
  ],
  ['standing', 'utc', null],
  ['adjustment', ADJUSTMENT],
  ['time', 1_790_000_002_000_000],
];

async function read(dir: string): Promise<{ lines: Line[]; recovery: Recovery }> {
  const lines: Line[] = [];
  const { journal, recovery } = await Journal.open(join(dir, 'j'), fsPromises, (line) => {
    lines.push(line);
  });
  await journal.close();
  return { lines, recovery };
}

t.test('lines read back, and nothing else does', async (t) => {
  for (const line of LINES) {
    const text = encodeLine(line);
    t.equal(text.indexOf('\n'), text.length - 1, 'one line');
    t.same(decodeLine(text.slice(0, -1)), line);
    t.equal(decodeLine(text.slice(0, -2)), undefined);
    t.equal(decodeLine(text.slice(1, -1)), undefined);
    t.equal(decodeLine(`+${text.slice(1, -1)}`), undefined, 'a damaged checksum');
    const louder = text.slice(0, 8).toUpperCase() + text.slice(8, -1);
    if (!text.startsWith(louder)) t.equal(decodeLine(louder), undefined, 'not as we write it');
  }
  t.ok(
    LINES.some((line) => encodeLine(line).startsWith('0')),
    'among them one whose checksum a sign would not change',
  );
  for (const value of [
    null,
    {},
    [],
    [1],
    ['who'],
    ['time'],
    ['time', 'x'],
    ['time', 1.5],
    ['constructor', 1],
    ['sent', 'p', 1, 1, 1, [1], []],
    ['control', 'p', []],
  ]) {
    const json = JSON.stringify(value);
    const text = `${crc32(json).toString(16).padStart(8, '0')} ${json}`;
    t.equal(decodeLine(text), undefined, `checksum right, shape wrong: ${text}`);
  }
});

t.test('a new file is private, and a stop mark counts once', async (t) => {
  const dir = newStateDir(t);
  const first = await read(dir);
  t.match(first, { lines: [], recovery: { existed: false, clean: false, dropped: 0, lastUs: 0 } });
  t.equal(statSync(join(dir, 'j')).mode & 0o777, 0o600);
  appendFileSync(
    join(dir, 'j'),
    LINES.map(encodeLine).join('') + encodeLine(['stop', 1_790_000_003_000_000]),
  );
  t.match((await read(dir)).recovery, {
    existed: true,
    clean: true,
    dropped: 0,
    lastUs: 1_790_000_003_000_000,
  });
  const again = await read(dir);
  t.match(again.recovery, {
    existed: true,
    clean: false,
    dropped: 0,
    lastUs: 1_790_000_002_000_000,
  });
  t.same(again.lines, LINES);
});

t.test(
  'cut at any byte: the whole lines before it, and a count of what was left out',
  async (t) => {
    const dir = newStateDir(t);
    const bytes = Buffer.from(LINES.map(encodeLine).join(''), 'utf8');
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      writeFileSync(join(dir, 'j'), bytes.subarray(0, cut));
      const { lines, recovery } = await read(dir);
      const whole = bytes.subarray(0, cut).filter((byte) => byte === 0x0a).length;
      const torn = cut > 0 && bytes[cut - 1] !== 0x0a;
      if (lines.length !== whole || recovery.dropped !== (torn ? 1 : 0) || recovery.clean) {
        t.fail(`cut at ${cut}: ${lines.length} lines, ${recovery.dropped} dropped`);
      }
      // What is appended next is a line of its own.
      appendFileSync(join(dir, 'j'), encodeLine(['time', 1]));
      const after = await read(dir);
      if (after.recovery.dropped !== 0 || after.lines.length !== whole + 1) {
        t.fail(`the piece left by a cut at ${cut} spoils the next line`);
      }
    }
    t.pass(`${bytes.length} cuts`);
  },
);

t.test('garbage anywhere: the other lines survive, nothing throws', async (t) => {
  const dir = newStateDir(t);
  const bytes = Buffer.from(LINES.map(encodeLine).join(''), 'utf8');
  await fc.assert(
    fc.asyncProperty(
      fc.nat({ max: bytes.length - 1 }),
      fc.uint8Array({ minLength: 1, maxLength: 300 }),
      fc.boolean(),
      async (at, garbage, inserted) => {
        const after = bytes.subarray(inserted ? at : Math.min(at + garbage.length, bytes.length));
        const spoiled = Buffer.concat([bytes.subarray(0, at), garbage, after]);
        writeFileSync(join(dir, 'j'), spoiled);
        const { lines, recovery } = await read(dir);
        const before = bytes.subarray(0, at).filter((byte) => byte === 0x0a).length;
        const known = new Set(LINES.map(encodeLine));
        if (spoiled.equals(bytes)) return recovery.dropped === 0;
        return (
          recovery.dropped > 0 &&
          !recovery.clean &&
          lines.length >= before &&
          lines.every((line) => known.has(encodeLine(line)))
        );
      },
    ),
    { numRuns: 500 },
  );
  // A block that was never written, in a file that was extended: a megabyte of zeros.
  writeFileSync(
    join(dir, 'j'),
    Buffer.concat([bytes, Buffer.alloc(9 << 20), Buffer.from('\n'), bytes]),
  );
  const { lines, recovery } = await read(dir);
  t.equal(lines.length, 2 * LINES.length);
  t.equal(recovery.dropped, 1);
  t.ok(readFileSync(join(dir, 'j')).length > 9 << 20);
});
