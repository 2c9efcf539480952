import t from 'tap';
import { TrialUsage } from '../../src/daemon/trial-usage.ts';

const SCALE = 600;

t.test('the rate of the last few, as recipients a real minute', async (t) => {
  const usage = new TrialUsage();
  t.same(usage.of('a', 0, SCALE), { minute: 0, day: 0 });
  for (const atMs of [100, 0, 300, 200, 400, 500]) usage.add('a', atMs, SCALE);
  t.same(usage.of('a', 500, SCALE), { minute: 750, day: 6 }, 'five in 0.4 s');
  t.same(usage.of('a', 100, SCALE), { minute: 1200, day: 6 }, 'nothing that left later');
  t.same(usage.of('b', 500, SCALE), { minute: 0, day: 0 });
});

t.test('after a pause it is the rate since', async (t) => {
  const usage = new TrialUsage();
  usage.add('a', 0, SCALE);
  // Half an hour of the trial is three seconds.
  for (const atMs of [10_000, 10_050]) usage.add('a', atMs, SCALE);
  t.equal(usage.of('a', 10_050, SCALE).minute, 2400);
});

t.test('a day of the trial is forgotten, and a flood is bounded', async (t) => {
  const usage = new TrialUsage();
  usage.add('a', 0, SCALE);
  usage.add('a', 144_001, SCALE);
  t.equal(usage.of('a', 144_001, SCALE).day, 1);
  for (let i = 0; i < 30_000; i += 1) usage.add('b', i, SCALE);
  t.ok(usage.of('b', 30_000, SCALE).day <= 10_000);
});
