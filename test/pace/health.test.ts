import t from 'tap';
import { backoffMs, deferred, keptBack } from '../../src/pace/health.ts';

const BACKOFF = { minMs: 1000, maxMs: 30_000 };

t.test('waits double from the shortest to the longest', async (t) => {
  const waits = [0, 1, 2, 3, 4, 5, 6, 7, 100, 5000].map((n) => backoffMs(BACKOFF, n));
  t.same(waits, [1000, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000]);
});

t.test('refusals of mail that was under way together are one', async (t) => {
  let trouble = deferred(undefined, '421 one', 0, 10_000, BACKOFF);
  t.same(trouble, { sinceMs: 10_000, failures: 1, nextProbeMs: 11_000, reply: '421 one' });
  for (const leftMs of [0, 5000, 9999]) {
    trouble = deferred(trouble, '421 more', leftMs, 10_500, BACKOFF);
  }
  t.same(trouble, { sinceMs: 10_000, failures: 1, nextProbeMs: 11_000, reply: '421 more' });
});

t.test('each probe that is refused makes the wait longer', async (t) => {
  let trouble = deferred(undefined, '421', 0, 10_000, BACKOFF);
  const probes: number[] = [];
  for (let nowMs = trouble.nextProbeMs; probes.length < 7; nowMs = trouble.nextProbeMs) {
    trouble = deferred(trouble, '421', nowMs, nowMs + 500, BACKOFF);
    probes.push(trouble.nextProbeMs - (nowMs + 500));
  }
  t.same(probes, [2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  t.equal(trouble.failures, 8);
  t.equal(trouble.sinceMs, 10_000);
});

t.test('a probe that the queue manager kept back says nothing: the same wait again', async (t) => {
  const trouble = deferred(undefined, '421', 0, 10_000, BACKOFF);
  const kept = keptBack(trouble, 11_000, 11_200, BACKOFF);
  t.same(kept, { ...trouble, nextProbeMs: 12_200 });
  t.equal(keptBack(trouble, 9000, 11_200, BACKOFF), trouble, 'unless it was none');
});
