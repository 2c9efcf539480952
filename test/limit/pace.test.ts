import * as fc from 'fast-check';
import t from 'tap';
import { admit, burstSpent, paceIntervalUs } from '../../src/limit/pace.ts';
import type { PaceState } from '../../src/limit/pace.ts';
import type { Pace } from '../../src/limit/limits.ts';
import { brokenPromises } from '../store/windows.ts';

const MIN = 60e6;
const pace = (count: number, windowUs: number, burst: number): Pace => ({ count, windowUs, burst });

/** The admission times of messages that ask again exactly when they were told to. */
function drained(limit: Pace, sizes: readonly number[], start?: PaceState): number[] {
  let state = start;
  let nowUs = 0;
  return sizes.map((recipients) => {
    for (;;) {
      const admission = admit(state, limit, recipients, nowUs);
      if (admission.ok) {
        state = admission.state;
        return nowUs;
      }
      nowUs = admission.retryAtUs;
    }
  });
}

t.test('intervals are exact or rounded up', async (t) => {
  t.equal(paceIntervalUs({ count: 20, windowUs: MIN }), 3e6);
  t.equal(paceIntervalUs({ count: 7, windowUs: MIN }), 8_571_429);
  t.equal(paceIntervalUs({ count: 0.5, windowUs: MIN }), 120e6);
  t.equal(paceIntervalUs({ count: 9e6, windowUs: 1e6 }), 1, 'never nothing');
});

t.test('a burst back to back, then one an interval', async (t) => {
  t.same(drained(pace(20, MIN, 3), [1, 1, 1, 1, 1]), [0, 0, 0, 3e6, 6e6]);
  t.same(drained(pace(7, MIN, 2), [1, 1, 1]), [0, 0, 8_571_429], 'whatever the rounding');
});

t.test('min(k, burst) must be free, and the debt of all k is paid by those after', async (t) => {
  t.same(drained(pace(20, MIN, 3), [2, 1, 2, 1]), [0, 0, 6e6, 9e6]);
  t.same(drained(pace(20, MIN, 3), [60, 1, 3]), [0, 174e6 + 0, 183e6]);
  t.same(drained(pace(20, MIN, 3), [5, 5]), [0, 15e6], 'more than the burst: all of it free');
});

t.test('after an unclean stop the burst is spent', async (t) => {
  const limit = pace(20, MIN, 3);
  t.same(drained(limit, [1, 1, 2], burstSpent(limit, 0)), [3e6, 6e6, 12e6]);
});

t.test('a changed limit acts at once, on the same debt', async (t) => {
  const slow = pace(1, 3600e6, 1);
  const fast = pace(20, MIN, 1);
  const first = admit(undefined, slow, 1, 0);
  t.ok(first.ok);
  const state = first.ok ? first.state : undefined;
  t.same(admit(state, fast, 1, 0), { ok: false, retryAtUs: 3e6 }, 'raised: seconds, not an hour');
  const other = admit(undefined, fast, 1, 0);
  const debt = other.ok ? other.state : undefined;
  t.same(admit(debt, slow, 1, 0), { ok: false, retryAtUs: 3600e6 }, 'lowered: one is still owed');
});

const anyPace = fc.record({
  count: fc.oneof(
    fc.integer({ min: 1, max: 500 }),
    fc.double({ min: 0.05, max: 200, noNaN: true }),
  ),
  windowUs: fc.integer({ min: 1000, max: 3600e6 }),
  burst: fc.integer({ min: 1, max: 30 }),
});

t.test('no window ever holds more than the promise (random limits and sizes)', async (t) => {
  fc.assert(
    fc.property(
      anyPace,
      fc.array(
        fc.tuple(fc.integer({ min: 1, max: 40 }), fc.double({ min: 0, max: 5, noNaN: true })),
        { maxLength: 80 },
      ),
      (limit, messages) => {
        let state: PaceState | undefined;
        let nowUs = 1_790_000_000_000_000;
        const ledger: { atUs: number; recipients: number }[] = [];
        for (const [recipients, waited] of messages) {
          nowUs += Math.floor(waited * waited * paceIntervalUs(limit));
          const admission = admit(state, limit, recipients, nowUs);
          if (!admission.ok) nowUs = admission.retryAtUs;
          const again = admission.ok ? admission : admit(state, limit, recipients, nowUs);
          if (!again.ok) return false;
          state = again.state;
          ledger.push({ atUs: nowUs, recipients });
        }
        return brokenPromises(ledger, { pace: limit, quotas: [] }).length === 0;
      },
    ),
    { numRuns: 1000 },
  );
  t.pass('1,000 random limits');
});

t.test('a window across changes admits at most the largest rate and one burst', async (t) => {
  const step = fc.record({
    limit: fc.integer({ min: 0, max: 2 }),
    recipients: fc.integer({ min: 1, max: 12 }),
    waited: fc.double({ min: 0, max: 3, noNaN: true }),
  });
  fc.assert(
    fc.property(
      fc.tuple(anyPace, anyPace, anyPace),
      fc.array(step, { maxLength: 60 }),
      (limits, steps) => {
        let state: PaceState | undefined;
        let nowUs = 1_790_000_000_000_000;
        const ledger: { atUs: number; recipients: number }[] = [];
        for (const { limit, recipients, waited } of steps) {
          const chosen = limits[limit]!;
          nowUs += Math.floor(waited * paceIntervalUs(chosen));
          const admission = admit(state, chosen, recipients, nowUs);
          if (!admission.ok) continue;
          state = admission.state;
          ledger.push({ atUs: nowUs, recipients });
        }
        const rate = Math.max(...limits.map(({ count, windowUs }) => count / windowUs));
        const burst = Math.max(...limits.map((limit) => limit.burst), 12);
        return limits.every(({ windowUs }) => {
          const count = Math.ceil(rate * windowUs + 1e-6);
          return (
            brokenPromises(ledger, { pace: { count, windowUs, burst }, quotas: [] }).length === 0
          );
        });
      },
    ),
    { numRuns: 500 },
  );
  t.pass('500 random sequences');
});
