import * as fc from 'fast-check';
import t from 'tap';
import { lastAdmissionUs } from '../../src/limit/forecast.ts';
import { recordAdmission, spansOf } from '../../src/limit/history.ts';
import type { History } from '../../src/limit/history.ts';
import type { Limits } from '../../src/limit/limits.ts';
import { paceCharged, paceFreeAtUs, restated } from '../../src/limit/pace.ts';
import type { PaceState } from '../../src/limit/pace.ts';
import { quotaFreeAtUs } from '../../src/limit/quota.ts';

const START = 1_790_000_000_000_000;
const MIN = 60e6;
const NOTHING = { pace: undefined, history: [] };
const UTC: Limits = {
  pace: { count: 20, windowUs: MIN, burst: 3 },
  quotas: [
    { count: 300, windowUs: 60 * MIN },
    { count: 1500, windowUs: 1440 * MIN },
  ],
};

/** Message after message, as the store admits them. */
function played(
  past: { pace: PaceState | undefined; history: History },
  limits: Limits,
  recipients: number,
  messages: number,
): number {
  // The store states a debt in the interval of the limit it is asked about, first thing.
  let pace = limits.pace === undefined ? past.pace : restated(past.pace, limits.pace, START);
  const history = [...past.history];
  let nowUs = START;
  for (let i = 0; i < messages; i += 1) {
    const free = limits.quotas.map((quota) => quotaFreeAtUs(history, quota, recipients, nowUs));
    if (limits.pace !== undefined) free.push(paceFreeAtUs(pace, limits.pace, recipients, nowUs));
    nowUs = Math.max(nowUs, ...free);
    if (limits.pace !== undefined) pace = paceCharged(pace, limits.pace, recipients, nowUs);
    recordAdmission(history, nowUs, recipients, spansOf(limits.quotas));
  }
  return nowUs;
}

function at(limits: Limits, recipients: number, messages: number): number {
  return (lastAdmissionUs(NOTHING, limits, recipients, messages, START) - START) / 1e6;
}

t.test('by hand', async (t) => {
  const { pace } = UTC;
  t.equal(at({ quotas: [] }, 1, 10_000), 0, 'unlimited');
  t.equal(at({ pace: pace!, quotas: [] }, 1, 0), 0, 'none');
  t.equal(at({ pace: pace!, quotas: [] }, 1, 600), 597 * 3);
  t.equal(
    at({ pace: pace!, quotas: [] }, 60, 2),
    174 + 6,
    'the burst is free again when all is paid',
  );
  t.equal(at({ quotas: [{ count: 5, windowUs: MIN }] }, 1, 15), 120);
  t.equal(at({ quotas: [{ count: 5, windowUs: MIN }] }, 7, 3), 120, 'each alone');
  // 300 in the first quarter of an hour; the first slot of three leaves after an hour and 57 s…
  const last = at(UTC, 1, 600);
  t.ok(last >= 3600 + 297 * 3 && last <= 3600 + 297 * 3 + 60, `${last} s`);
});

t.test('it is what the store would do, to the microsecond', async (t) => {
  const quota = fc.record({
    count: fc.integer({ min: 1, max: 40 }),
    windowUs: fc.constantFrom(50_000, 1e6, MIN, 3600e6, 3601e6),
  });
  const limits = fc.record({
    pace: fc.option(
      fc.record({
        count: fc.double({ min: 0.5, max: 100, noNaN: true }),
        windowUs: fc.constantFrom(1e6, MIN),
        burst: fc.integer({ min: 1, max: 5 }),
      }),
      { nil: undefined },
    ),
    quotas: fc.uniqueArray(quota, { maxLength: 3, selector: ({ windowUs }) => windowUs }),
  });
  fc.assert(
    fc.property(
      limits,
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 0, max: 120 }),
      fc.array(fc.integer({ min: 0, max: 120 }), { maxLength: 10 }),
      fc.integer({ min: 0, max: 120 }),
      ({ pace, quotas }, recipients, messages, past, owedSec) => {
        const inForce: Limits = pace === undefined ? { quotas } : { pace, quotas };
        const history: History = [];
        for (const agoSec of past.toSorted((a, b) => b - a)) {
          recordAdmission(history, START - agoSec * 1e6, 2, spansOf(quotas));
        }
        const owed = { tatUs: START + owedSec * 1e6, intervalUs: 777_777 };
        const before = { pace: owedSec === 0 ? undefined : owed, history };
        return (
          lastAdmissionUs(before, inForce, recipients, messages, START) ===
          played(before, inForce, recipients, messages)
        );
      },
    ),
    { numRuns: 1500 },
  );
  t.pass('1,500 random pasts');
});
