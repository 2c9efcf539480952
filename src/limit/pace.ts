/**
 * GCRA (ITU-T I.371, generic cell rate algorithm) over recipients, in integer microseconds.
 *
 * The interval is windowUs/count rounded up, and every time is a whole number of intervals beyond a
 * time that was read: nothing is rounded twice, nothing is rounded down, and no window of windowUs
 * holds more than ceil(count) + burst - 1 recipients (a message of k > burst recipients counts as a
 * burst of k).
 *
 * The debt is remembered together with the interval it was measured in. When the limit changes, the
 * debt is still that many recipients: a raised limit takes effect at once, and a lowered one does
 * not forget what was just sent.
 */
import type { Pace } from './limits.ts';

/** What is owed: (tatUs - now) / intervalUs recipients. No state at all: nothing is owed. */
export interface PaceState {
  /** Theoretical arrival time: when the debt is paid. */
  readonly tatUs: number;
  /** Interval in force when tatUs was last computed. */
  readonly intervalUs: number;
}

export type Admission =
  | { readonly ok: true; readonly state: PaceState }
  | { readonly ok: false; readonly retryAtUs: number };

/** Time one recipient costs. Never under 1 µs, so no pace is faster than a million a second. */
export function paceIntervalUs(pace: Pick<Pace, 'count' | 'windowUs'>): number {
  return Math.max(1, Math.ceil(pace.windowUs / pace.count));
}

/** The same debt in recipients, measured in the interval of `pace`; rounded up. */
export function restated(
  state: PaceState | undefined,
  pace: Pace,
  nowUs: number,
): PaceState | undefined {
  const intervalUs = paceIntervalUs(pace);
  if (state === undefined || state.intervalUs === intervalUs) return state;
  if (state.tatUs <= nowUs) return { tatUs: state.tatUs, intervalUs };
  const debt = (state.tatUs - nowUs) / state.intervalUs;
  return { tatUs: capped(nowUs + Math.ceil(debt * intervalUs)), intervalUs };
}

/** When min(k, burst) of the burst are free; at most nowUs when they are free already. */
export function paceFreeAtUs(
  state: PaceState | undefined,
  pace: Pace,
  recipients: number,
  nowUs: number,
): number {
  const owed = restated(state, pace, nowUs);
  if (owed === undefined) return nowUs;
  const spare = pace.burst - Math.min(recipients, pace.burst);
  return owed.tatUs - spare * owed.intervalUs;
}

/** The debt after k more recipients, whether they were free or not. */
export function paceCharged(
  state: PaceState | undefined,
  pace: Pace,
  recipients: number,
  nowUs: number,
): PaceState {
  const intervalUs = paceIntervalUs(pace);
  const owed = restated(state, pace, nowUs);
  const fromUs = owed === undefined ? nowUs : Math.max(owed.tatUs, nowUs);
  return { tatUs: capped(fromUs + recipients * intervalUs), intervalUs };
}

/** k recipients at once: charged whole, or told when to ask again. */
export function admit(
  state: PaceState | undefined,
  pace: Pace,
  recipients: number,
  nowUs: number,
): Admission {
  const freeAtUs = paceFreeAtUs(state, pace, recipients, nowUs);
  return freeAtUs <= nowUs
    ? { ok: true, state: paceCharged(state, pace, recipients, nowUs) }
    : { ok: false, retryAtUs: freeAtUs };
}

/** The state of a limit whose burst was spent at atUs: what an unclean stop leaves behind. */
export function burstSpent(pace: Pace, atUs: number): PaceState {
  return paceCharged(undefined, pace, pace.burst, atUs);
}

/** The larger debt of the two, both in the interval of `pace`. */
export function largerDebt(
  a: PaceState | undefined,
  b: PaceState | undefined,
  pace: Pace,
  nowUs: number,
): PaceState | undefined {
  const one = restated(a, pace, nowUs);
  const other = restated(b, pace, nowUs);
  if (one === undefined || other === undefined) return one ?? other;
  return one.tatUs >= other.tatUs ? one : other;
}

// Beyond 2^53 µs (the year 2255) integers are no longer exact; a debt that long is for ever anyway.
function capped(us: number): number {
  return Math.min(us, Number.MAX_SAFE_INTEGER);
}
