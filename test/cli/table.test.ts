import t from 'tap';

import { table, type Column } from '../../src/cli/table.ts';
import { displayWidth } from '../../src/cli/width.ts';

const COLUMNS: readonly Column[] = [
  { title: 'ID' },
  { title: 'N', align: 'right' },
  { title: 'ADDRESS', shrinkTo: 8 },
  { title: 'WHY', under: true },
];

const ROWS = [
  { cells: ['a1', '7', 'jane@etu.utc.fr', 'pace 20/min'], notes: ['a note'] },
  { cells: ['b22', '1234', '用户用户用户@例え.jp', ''] },
];

t.test('as wide as it is, where there is room', async (test) => {
  test.same(table(COLUMNS, ROWS, Number.POSITIVE_INFINITY), [
    'ID      N  ADDRESS               WHY',
    'a1      7  jane@etu.utc.fr       pace 20/min',
    '  a note',
    'b22  1234  用户用户用户@例え.jp',
  ]);
});

t.test('narrow: one column goes under its row, another is cut', async (test) => {
  test.same(table(COLUMNS, ROWS, 24), [
    'ID      N  ADDRESS',
    'a1      7  jane@etu.utc…',
    '  pace 20/min',
    '  a note',
    'b22  1234  用户用户用户…',
  ]);
});

t.test('no line is ever wider than the width', async (test) => {
  for (let width = 12; width < 60; width++) {
    for (const line of table(COLUMNS, ROWS, width)) {
      test.ok(displayWidth(line) <= width, `${width}: ${line}`);
    }
  }
});

t.test('without rows there are only titles', async (test) => {
  test.same(table(COLUMNS, [], 80), ['ID  N  ADDRESS  WHY']);
});
