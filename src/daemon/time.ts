/** The daemon's clock, and how a time is written. The clock: the machine's, once at the start, and a steady one from then on. */
import type { Clock } from '../pace/clock.ts';
import { StoreClock, systemClock } from '../store/clock.ts';

/** As the administrator's clock shows it: `2026-11-24 17:03:20`. */
export function localTime(ms: number): string {
  return new Date(ms).toLocaleString('sv-SE');
}

export function daemonClock(): Clock {
  const clock = new StoreClock(systemClock);
  return { nowUs: () => clock.nowUs(), nowMs: () => clock.nowUs() / 1000 };
}
