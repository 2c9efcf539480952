import t from 'tap';
import { scaled } from '../../src/limit/factor.ts';
import {
  formatDuration,
  formatLimits,
  formatRate,
  parseDurationUs,
  parsePace,
  parseQuota,
  parseRate,
} from '../../src/limit/rate.ts';

t.test('rates', async (t) => {
  const table: readonly [text: string, count: number, windowUs: number, written: string][] = [
    ['20/min', 20, 60e6, '20/min'],
    ['20/m', 20, 60e6, '20/min'],
    ['5/s', 5, 1e6, '5/s'],
    ['5/sec', 5, 1e6, '5/s'],
    ['300/h', 300, 3600e6, '300/h'],
    ['300/hour', 300, 3600e6, '300/h'],
    ['1500/day', 1500, 86400e6, '1500/day'],
    ['1500/d', 1500, 86400e6, '1500/day'],
    ['20/2s', 20, 2e6, '20/2s'],
    ['1/30s', 1, 30e6, '1/30s'],
    [' 1 / 90s ', 1, 90e6, '1/90s'],
    ['3/24h', 3, 86400e6, '3/day'],
    ['0.5/min', 0.5, 60e6, '0.5/min'],
    ['4/200ms', 4, 200e3, '4/200ms'],
  ];
  for (const [text, count, windowUs, written] of table) {
    t.same(parseRate(text), { count, windowUs }, text);
    t.equal(formatRate({ count, windowUs }), written);
    t.same(parseRate(written), { count, windowUs }, `${written} reads back`);
  }
  for (const text of [
    '',
    '20',
    '20/',
    '/min',
    '0/min',
    '-1/min',
    '20/month',
    '20/min/h',
    'x'.repeat(99),
    '20/0s',
    '1e3/s',
    '20/min burst 3',
  ]) {
    t.throws(
      () => parseRate(text),
      { name: 'SyntaxError', message: /^found ".*", expected a rate/ },
      text,
    );
  }
});

t.test('durations', async (t) => {
  const table: readonly [text: string, us: number, written: string][] = [
    ['2h', 7200e6, '2h'],
    ['30m', 1800e6, '30min'],
    ['30min', 1800e6, '30min'],
    ['90s', 90e6, '90s'],
    ['120s', 120e6, '2min'],
    ['1d', 86400e6, '1day'],
    ['1.5h', 5400e6, '90min'],
    ['200ms', 200e3, '200ms'],
  ];
  for (const [text, us, written] of table) {
    t.equal(parseDurationUs(text), us, text);
    t.equal(formatDuration(us), written);
    t.equal(parseDurationUs(written), us);
  }
  for (const text of ['', 'h', '2', '2 weeks', '-2h', '0s', '1h30m']) {
    t.throws(
      () => parseDurationUs(text),
      { name: 'SyntaxError', message: /expected a duration/ },
      text,
    );
  }
});

t.test('pace, quota, limits', async (t) => {
  t.same(parsePace('20/min'), { count: 20, windowUs: 60e6, burst: 2 });
  t.same(parsePace('5/min'), { count: 5, windowUs: 60e6, burst: 1 });
  t.same(parsePace('20/min', 3), { count: 20, windowUs: 60e6, burst: 3 });
  t.same(parseQuota('300/h'), { count: 300, windowUs: 3600e6 });
  t.throws(() => parseQuota('0.5/h'), { name: 'SyntaxError', message: /whole count/ });
  const pace = parsePace('20/min', 3);
  const quotas = [parseQuota('300/h'), parseQuota('1500/day')];
  t.equal(formatLimits({ pace, quotas }), '20/min burst 3, 300/h, 1500/day');
  t.equal(formatLimits({ quotas, inFlight: 5 }), '300/h, 1500/day, 5 in flight');
  t.equal(formatLimits({ quotas: [] }), 'unlimited');
});

t.test('a factor', async (t) => {
  const limits = {
    pace: parsePace('20/min', 3),
    quotas: [parseQuota('300/h'), parseQuota('1/h')],
    inFlight: 5,
  };
  t.same(scaled(limits, 1), limits);
  const half = scaled(limits, 0.5);
  t.equal(formatLimits(half), '10/min burst 1, 150/h, 1/h, 5 in flight');
  t.equal(
    formatLimits(scaled({ pace: parsePace('1/min'), quotas: [] }, 1 / 3)),
    '0.3333/min burst 1',
  );
});
