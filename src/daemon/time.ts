/** The daemon's clock, and how a time is written. The clock: the machine's, once at the start, and a steady one from then on. */
import type { Clock } from '../pace/clock.ts';
import { StoreClock, systemClock } from '../store/clock.ts';

/** As the administrator's clock shows it: `2026-11-24 17:03:20`. */
export function localTime(ms: number): string {
  return new Date(ms).toLocaleString('sv-SE');
}

export interface DaemonClock extends Clock {
  /** How far it is ahead of the machine's, which was set, or slept, since the start. */
  aheadMs(): number;
}

/** The two clocks are never read in the same moment. */
const SAME_MS = 1000;

export function daemonClock(machine = systemClock): DaemonClock {
  const clock = new StoreClock(machine);
  const nowMs = (): number => clock.nowUs() / 1000;
  const aheadMs = (): number => {
    const ms = nowMs() - machine.wallUs() / 1000;
    return Math.abs(ms) < SAME_MS ? 0 : ms;
  };
  return { nowUs: () => clock.nowUs(), nowMs, aheadMs };
}
