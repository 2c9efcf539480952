import * as fc from 'fast-check';
import t from 'tap';
import { compacted, recordAdmission, spansOf } from '../../src/limit/history.ts';
import type { History } from '../../src/limit/history.ts';
import { exceedsQuota, quotaFreeAtUs } from '../../src/limit/quota.ts';
import { brokenPromises } from '../store/windows.ts';

const HOUR = 3600e6;
const DAY = 24 * HOUR;
const START = 1_790_000_000_000_000;

t.test('nothing is spaced, and the slot of the oldest has to leave', async (t) => {
  const quota = { count: 3, windowUs: HOUR };
  const spans = spansOf([quota]);
  const history: History = [];
  for (const atUs of [0, 1e6, 90e6]) {
    t.equal(quotaFreeAtUs(history, quota, 1, START + atUs), START + atUs);
    recordAdmission(history, START + atUs, 1, spans);
  }
  t.equal(quotaFreeAtUs(history, quota, 1, START + 91e6), START + 1e6 + HOUR, 'both of a slot');
  t.equal(quotaFreeAtUs(history, quota, 3, START + 91e6), START + 90e6 + HOUR);
  t.equal(quotaFreeAtUs(history, { ...quota, count: 4 }, 1, START + 91e6), START + 91e6, 'raised');
  t.equal(quotaFreeAtUs(history, { ...quota, count: 1 }, 1, START + 91e6), START + 90e6 + HOUR);
});

t.test('a message above the count goes alone into an empty window', async (t) => {
  const quota = { count: 10, windowUs: HOUR };
  t.ok(exceedsQuota(quota, 11));
  t.notOk(exceedsQuota(quota, 10));
  const history: History = [START, 1];
  t.equal(quotaFreeAtUs(history, quota, 60, START + 1), START + HOUR);
  recordAdmission(history, START + HOUR, 60, spansOf([quota]));
  t.equal(quotaFreeAtUs(history, quota, 1, START + HOUR + 1), START + 2 * HOUR);
});

t.test('a quota that is new knows the past', async (t) => {
  const history: History = [];
  for (let i = 0; i < 100; i += 1) recordAdmission(history, START + i * 1e6, 1, spansOf([]));
  const nowUs = START + 100e6;
  const freeAtUs = quotaFreeAtUs(history, { count: 100, windowUs: HOUR }, 1, nowUs);
  t.ok(freeAtUs >= START + HOUR, 'not before the first has left');
  t.ok(freeAtUs <= START + HOUR + HOUR / 12, 'and at most a coarse slot later');
});

const quotasOf = fc.uniqueArray(
  fc.record({
    count: fc.integer({ min: 1, max: 60 }),
    windowUs: fc.constantFrom(50_000, 1e6, 59_999_999, 3 * 60e6, HOUR, HOUR + 7, DAY, 3 * DAY),
  }),
  { minLength: 1, maxLength: 3, selector: ({ windowUs }) => windowUs },
);

t.test('in no window more than the count; compaction changes no answer', async (t) => {
  fc.assert(
    fc.property(
      quotasOf,
      fc.array(
        fc.tuple(fc.integer({ min: 1, max: 70 }), fc.double({ min: 0, max: 1, noNaN: true })),
        { maxLength: 120 },
      ),
      (quotas, messages) => {
        const spans = spansOf(quotas);
        const all: History = [];
        let merged: History = [];
        let nowUs = START;
        const ledger: { atUs: number; recipients: number }[] = [];
        for (const [recipients, waited] of messages) {
          const some = quotas[Math.floor(waited * 997) % quotas.length]!;
          nowUs += Math.floor(waited ** 4 * 0.7 * some.windowUs);
          const free = quotas.map((quota) => quotaFreeAtUs(all, quota, recipients, nowUs));
          merged = compacted(merged, nowUs, spans);
          const same = quotas.map((quota) => quotaFreeAtUs(merged, quota, recipients, nowUs));
          if (free.join(',') !== same.join(',')) return false;
          nowUs = Math.max(...free);
          if (quotas.some((quota) => quotaFreeAtUs(all, quota, recipients, nowUs) !== nowUs)) {
            return false;
          }
          all.push(nowUs, recipients);
          recordAdmission(merged, nowUs, recipients, spans);
          ledger.push({ atUs: nowUs, recipients });
        }
        return brokenPromises(ledger, { quotas }).length === 0;
      },
    ),
    { numRuns: 1500 },
  );
  t.pass('1,500 random histories');
});

t.test('a busy history stays short', async (t) => {
  const quotas = [
    { count: 1, windowUs: HOUR },
    { count: 1, windowUs: DAY },
  ];
  const spans = spansOf(quotas);
  let history: History = [];
  for (let i = 0; i < 50_000; i += 1) {
    const before = history.length;
    recordAdmission(history, START + i * 2e6, 1, spans);
    if (history.length > before && history.length % 128 === 0) {
      history = compacted(history, START + i * 2e6, spans);
    }
  }
  t.ok(history.length / 2 < 400, `${history.length / 2} entries after 50,000 in 28 h`);
});
