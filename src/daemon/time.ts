/** The daemon's clock: the machine's, once at the start, and a steady one from then on. */
import type { Clock } from '../pace/clock.ts';
import { StoreClock, systemClock } from '../store/clock.ts';

export function daemonClock(): Clock {
  const clock = new StoreClock(systemClock);
  return { nowUs: () => clock.nowUs(), nowMs: () => clock.nowUs() / 1000 };
}
