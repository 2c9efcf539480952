import t from 'tap';
import { daemonClock } from '../../src/daemon/time.ts';

t.test('it knows how far it is ahead of a clock that was set', async (t) => {
  let [wallMs, steadyMs] = [1_795_521_600_000, 5000];
  const clock = daemonClock({ wallUs: () => wallMs * 1e3, monotonicUs: () => steadyMs * 1e3 });
  t.equal(clock.aheadMs(), 0);
  wallMs += 60_010;
  steadyMs += 60_000;
  t.equal(clock.aheadMs(), 0, 'read a little later');
  wallMs -= 600_000;
  t.equal(clock.nowMs(), 1_795_521_660_000);
  t.equal(clock.aheadMs(), 599_990);
  // Asleep: the steady clock stood still.
  wallMs += 4_200_000;
  t.equal(clock.aheadMs(), -3_600_010);
});
