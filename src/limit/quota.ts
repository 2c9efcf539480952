/**
 * A quota: in no window of its length more than `count` recipients, nothing is spaced. A sliding
 * window of 60 slots, the oldest counted whole: what is free may be found free up to a sixtieth of
 * the window late, never early.
 *
 * State is the provider's history alone. It knows neither the count nor the window: changing either
 * acts on the same past at once. A window length that was not asked about before is answered from
 * the usage slots (a twelfth of the last minute, hour and day), so a new quota is at most that much
 * late at first; a window above a day knows one day of the past when it is new.
 */
import { slotUs } from './history.ts';
import type { History } from './history.ts';
import type { Quota } from './limits.ts';

/**
 * When the quota has room for k recipients; nowUs when it has room already. A k above the count
 * waits for an empty window and then goes alone.
 */
export function quotaFreeAtUs(
  history: History,
  quota: Quota,
  recipients: number,
  nowUs: number,
): number {
  const room = Math.max(0, quota.count - recipients);
  const widthUs = slotUs(quota.windowUs);
  const goneUs = nowUs - quota.windowUs;
  let sum = 0;
  let slot = NaN;
  let lastUs = 0;
  // From the newest slot back: the first one that does not fit any more has to leave first.
  for (let i = history.length - 2; i >= 0; i -= 2) {
    const entryUs = history[i]!;
    const entrySlot = Math.floor(entryUs / widthUs);
    if (entrySlot !== slot) {
      if (entryUs <= goneUs) return nowUs;
      slot = entrySlot;
      lastUs = entryUs;
    }
    sum += history[i + 1]!;
    if (sum > room) return lastUs + quota.windowUs;
  }
  return nowUs;
}

/** The message alone is more than the quota: it was admitted alone, to be reported. */
export function exceedsQuota(quota: Quota, recipients: number): boolean {
  return recipients > quota.count;
}
