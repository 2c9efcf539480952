import t from 'tap';

import { cut, displayWidth, fit, wrap } from '../../src/cli/width.ts';

t.test('displayWidth', async (test) => {
  const cases: readonly (readonly [string, number])[] = [
    ['', 0],
    ['jane@utc.fr', 11],
    ['été@utc.fr', 10],
    ['e\u0301te\u0301', 3],
    ['用户@例え.jp', 12],
    ['한국@x', 6],
    ['ＡＢ', 4],
    ['👩‍👩‍👧@x', 4],
    ['→ … – é', 7],
    ['a\u200bb', 2],
  ];
  for (const [text, width] of cases) test.equal(displayWidth(text), width, JSON.stringify(text));
});

t.test('cut never takes more columns than it may, nor half a character', async (test) => {
  test.equal(cut('jane@utc.fr', 11), 'jane@utc.fr');
  test.equal(cut('jane@utc.fr', 6), 'jane@…');
  test.equal(cut('用户@例え.jp', 12), '用户@例え.jp');
  test.equal(cut('用户@例え.jp', 7), '用户@…');
  test.equal(cut('用户@例え.jp', 4), '用…');
  test.equal(cut('👩‍👩‍👧👩‍👩‍👧', 3), '👩‍👩‍👧…');
  test.equal(cut('abc', 1), '…');
});

t.test('fit pads to exactly the columns', async (test) => {
  test.equal(fit('用户', 6, 'left'), '用户  ');
  test.equal(fit('用户', 6, 'right'), '  用户');
  test.equal(fit('用户用户', 6, 'left'), '用户… ');
  test.equal(displayWidth(fit('用户用户', 6, 'left')), 6);
});

t.test('wrap', async (test) => {
  test.same(wrap('one two three four', 13), ['one two three', 'four']);
  test.same(wrap('one two', 13, '  '), ['  one two']);
  test.same(wrap('x'.repeat(25), 10), ['xxxxxxxxxx', 'xxxxxxxxxx', 'xxxxx']);
  test.same(wrap('用'.repeat(8), 10), ['用用用用用', '用用用']);
  test.same(wrap('any length', Number.POSITIVE_INFINITY), ['any length']);
  test.same(wrap('', 20), ['']);
});
