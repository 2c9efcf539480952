/**
 * The promises of pace and quota, checked by brute force on a ledger of admissions. Shares nothing
 * with the limiter but the shape of the limits: every window that can be the fullest is summed.
 */
import type { Limits } from '../../src/limit/limits.ts';

export interface Admitted {
  readonly atUs: number;
  readonly recipients: number;
}

/** Each broken promise in a sentence; none: all kept. The ledger is in order of time. */
export function brokenPromises(ledger: readonly Admitted[], limits: Limits): readonly string[] {
  const broken: string[] = [];
  for (let first = 0; first < ledger.length; first += 1) {
    const { pace } = limits;
    if (pace !== undefined) {
      const window = windowFrom(ledger, first, pace.windowUs);
      const largest = Math.max(pace.burst, ...window.map(({ recipients }) => recipients));
      const most = Math.ceil(pace.count) + largest - 1;
      if (total(window) > most) broken.push(said('pace', window, most));
    }
    for (const quota of limits.quotas) {
      const window = windowFrom(ledger, first, quota.windowUs);
      if (total(window) > quota.count && window.length > 1) {
        broken.push(said(`quota of ${quota.windowUs} µs`, window, quota.count));
      }
    }
  }
  return broken;
}

/** The fullest window of a length, in recipients. */
export function fullest(ledger: readonly Admitted[], windowUs: number): number {
  return ledger.reduce((most, _, i) => Math.max(most, total(windowFrom(ledger, i, windowUs))), 0);
}

// Half open: of two admissions exactly a window apart, only one lies in it. The fullest window
// begins at an admission, since moving it on to the next one loses nothing.
function windowFrom(ledger: readonly Admitted[], first: number, windowUs: number): Admitted[] {
  const fromUs = ledger[first]?.atUs ?? 0;
  return ledger.filter(({ atUs }, i) => i >= first && atUs < fromUs + windowUs);
}

function total(window: readonly Admitted[]): number {
  return window.reduce((sum, { recipients }) => sum + recipients, 0);
}

function said(what: string, window: readonly Admitted[], most: number): string {
  return `${what}: ${total(window)} recipients from ${window[0]?.atUs}, at most ${most}`;
}
