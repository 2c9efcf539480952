import t from 'tap';
import { readStamp, StampReader } from '../../src/postfix/stamp.ts';

const local = (
  ...[year, month, day, hour, minute, second]: [number, number, number, number, number, number]
) => new Date(year, month - 1, day, hour, minute, second).getTime();
const NOW = local(2026, 11, 24, 12, 0, 0);

await t.test('stamps as they are written', (t) => {
  const stamps: Record<string, number> = {
    'Nov 24 11:59:58 mx x': local(2026, 11, 24, 11, 59, 58),
    'Nov  4 09:05:01 mx x': local(2026, 11, 4, 9, 5, 1),
    'Nov 4 09:05:01 mx x': local(2026, 11, 4, 9, 5, 1),
    '2013 Jun 16 16:05:06.123 mx x': local(2013, 6, 16, 16, 5, 6) + 123,
    'Jun 16 2013 16:05:06 mx x': local(2013, 6, 16, 16, 5, 6),
    '2026-11-24T11:59:58.123456+01:00 mx x': Date.UTC(2026, 10, 24, 10, 59, 58, 123),
    '2026-11-24T11:59:58-0530 mx x': Date.UTC(2026, 10, 24, 17, 29, 58),
    '2026-11-24T11:59:58Z mx x': Date.UTC(2026, 10, 24, 11, 59, 58),
    '2026-11-24 11:59:58,5 mx x': local(2026, 11, 24, 11, 59, 58) + 500,
  };
  for (const [line, atMs] of Object.entries(stamps)) {
    const stamp = readStamp(line, NOW);
    t.equal(stamp?.atMs, atMs, line);
    t.equal(line.slice(stamp?.length), 'mx x', line);
  }
  t.end();
});

await t.test('no stamp', (t) => {
  const lines = ['', 'mx postfix/smtp[1]: x', 'Foo 24 11:59:58 mx x', '24.11.2026 mx', 'Nov 24'];
  for (const line of lines) t.equal(readStamp(line, NOW), undefined, JSON.stringify(line));
  t.end();
});

await t.test('the year is the latest that is not in the future', (t) => {
  const newYear = local(2027, 1, 1, 0, 0, 30);
  const stamps: [string, number, number][] = [
    ['Dec 31 23:59:59 mx', newYear, local(2026, 12, 31, 23, 59, 59)],
    ['Jan  1 00:00:10 mx', newYear, local(2027, 1, 1, 0, 0, 10)],
    // Read a moment before midnight from a clock that is ahead.
    ['Jan  1 00:00:05 mx', local(2026, 12, 31, 23, 59, 59), local(2027, 1, 1, 0, 0, 5)],
    ['Nov 26 00:00:00 mx', NOW, local(2025, 11, 26, 0, 0, 0)],
    ['Feb 29 08:00:00 mx', NOW, local(2024, 2, 29, 8, 0, 0)],
  ];
  for (const [line, nowMs, atMs] of stamps) t.equal(readStamp(line, nowMs)?.atMs, atMs, line);
  t.end();
});

await t.test('a reader gives the same for every line of a second', (t) => {
  const reader = new StampReader();
  const lines = [
    'Nov 24 11:59:58 a',
    'Nov 24 11:59:58 b',
    'Nov 24 11:59:59 c',
    'nothing',
    'Nov 24 11:59:59 d',
  ];
  t.same(
    lines.map((line) => reader.read(line, NOW)),
    lines.map((line) => readStamp(line, NOW)),
  );
  t.end();
});
