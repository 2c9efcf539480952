import t from 'tap';

import { clock, due, moment, span, until } from '../../src/cli/moment.ts';

// Local time on purpose: whatever zone the test runs in, these are its clock.
const NOW = new Date(2026, 10, 24, 14, 51, 0).getTime();
const S = 1000;
const MIN = 60 * S;
const H = 60 * MIN;
const D = 24 * H;

t.test('span', async (test) => {
  const cases: readonly (readonly [number, string])[] = [
    [-5 * S, '0 s'],
    [0, '0 s'],
    [499, '0 s'],
    [59 * S, '59 s'],
    [59.6 * S, '1 min'],
    [12 * MIN, '12 min'],
    [59 * MIN + 29 * S, '59 min'],
    [59 * MIN + 30 * S, '1 h'],
    [125 * MIN, '2 h 5 min'],
    [2 * H, '2 h'],
    [23 * H + 59.6 * MIN, '1 d'],
    [3 * D + 4 * H, '3 d 4 h'],
    [400 * D, '400 d'],
  ];
  for (const [ms, text] of cases) test.equal(span(ms), text, `${ms} ms`);
});

t.test('clock: today, this year, another year', async (test) => {
  test.equal(clock(NOW, NOW), '14:51');
  test.equal(clock(new Date(2026, 10, 24, 0, 0).getTime(), NOW), '00:00');
  test.equal(clock(new Date(2026, 10, 25, 0, 0).getTime(), NOW), 'Nov 25 00:00');
  test.equal(clock(new Date(2026, 9, 24, 14, 51).getTime(), NOW), 'Oct 24 14:51');
  test.equal(clock(new Date(2027, 0, 2, 3, 4).getTime(), NOW), '2027-01-02 03:04');
});

t.test('moment, due and until', async (test) => {
  test.equal(moment(NOW + 12 * MIN, NOW), '15:03 (in 12 min)');
  test.equal(moment(NOW + 5 * S, NOW), '14:51:05 (in 5 s)');
  test.equal(moment(NOW - 12 * MIN, NOW), '14:39 (12 min ago)');
  test.equal(moment(NOW + 26 * H, NOW), 'Nov 25 16:51 (in 1 d 2 h)');
  test.equal(due(NOW, NOW), 'now');
  test.equal(due(NOW - H, NOW), 'now');
  test.equal(due(NOW + 12 * MIN, NOW), '15:03 (in 12 min)');
  test.equal(until(null, NOW), 'until further notice');
  test.equal(until(NOW + 2 * H, NOW), 'until 16:51 (in 2 h)');
});
