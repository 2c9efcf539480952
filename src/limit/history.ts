/**
 * When how many recipients were admitted: one list per provider, shared by all of its quotas, so
 * that a quota which is added or changed later knows the past.
 *
 * Admissions are grouped in slots. A slot is remembered by the time of its latest admission and is
 * counted whole until that one has left the window: never less than was really sent, and at most
 * one slot (a sixtieth of a quota's window) longer.
 *
 * Two admissions share an entry only while no window that still counts them could tell them apart,
 * so every quota gets the answer it would get from a list of its own.
 */

/** Flat pairs, oldest first: time of the latest admission in µs, recipients. */
export type History = number[];

/** A window somebody asks about, and the slots it is cut in. */
export interface Span {
  readonly windowUs: number;
  readonly slotUs: number;
}

const SLOTS = 60;
const MINUTE_US = 60e6;
const HOUR_US = 3600e6;

/** How long everything is remembered, whatever the quotas say. */
export const DAY_US = 24 * HOUR_US;

/** What usage reports: a twelfth is fine enough. A quota added later looks back on these slots. */
export const MINUTE: Span = { windowUs: MINUTE_US, slotUs: MINUTE_US / 12 };
export const HOUR: Span = { windowUs: HOUR_US, slotUs: HOUR_US / 12 };
export const DAY: Span = { windowUs: DAY_US, slotUs: DAY_US / 12 };

const USAGE_SPANS: readonly Span[] = [MINUTE, HOUR, DAY];

/** Slot of a quota: a sixtieth of its window, rounded up. */
export function slotUs(windowUs: number): number {
  return Math.ceil(windowUs / SLOTS);
}

/** All windows that the history of a provider with these quotas has to serve. */
export function spansOf(quotas: readonly { readonly windowUs: number }[]): readonly Span[] {
  return quotas.length === 0 ? USAGE_SPANS : [...USAGE_SPANS, ...quotaSpans(quotas)];
}

/** The windows of the quotas alone. */
export function quotaSpans(quotas: readonly { readonly windowUs: number }[]): readonly Span[] {
  return quotas.map(({ windowUs }) => ({ windowUs, slotUs: slotUs(windowUs) }));
}

/** Adds recipients at nowUs, which is not before the newest entry. */
export function recordAdmission(
  history: History,
  nowUs: number,
  recipients: number,
  spans: readonly Span[],
): void {
  const newest = history.length - 2;
  const lastUs = history[newest];
  if (lastUs !== undefined && sameSlots(lastUs, nowUs, 0, spans)) {
    history[newest] = nowUs;
    history[newest + 1]! += recipients;
  } else {
    history.push(nowUs, recipients);
  }
}

/** Merges what no window can tell apart any more, and drops what is older than all of them. */
export function compacted(history: History, nowUs: number, spans: readonly Span[]): History {
  const keepUs = longestUs(spans);
  const kept: History = [];
  for (let i = 0; i < history.length; i += 2) {
    const lastUs = history[i]!;
    if (lastUs <= nowUs - keepUs) continue;
    const before = kept[kept.length - 2];
    if (before !== undefined && sameSlots(before, lastUs, nowUs - lastUs, spans)) {
      kept[kept.length - 2] = lastUs;
      kept[kept.length - 1]! += history[i + 1]!;
    } else {
      kept.push(lastUs, history[i + 1]!);
    }
  }
  return kept;
}

export function longestUs(spans: readonly Span[]): number {
  return spans.reduce((most, { windowUs }) => Math.max(most, windowUs), 0);
}

/** Recipients admitted within the last windowUs, the oldest slot counted whole. */
export function countWithin(history: History, span: Span, nowUs: number): number {
  let sum = 0;
  for (const slot of slotsWithin(history, span, nowUs)) sum += slot.recipients;
  return sum;
}

/** The slots of a window that still count, newest first. */
export function* slotsWithin(
  history: History,
  span: Span,
  nowUs: number,
): Generator<{ readonly lastUs: number; readonly recipients: number }> {
  let slot = NaN;
  let lastUs = 0;
  let recipients = 0;
  for (let i = history.length - 2; i >= 0; i -= 2) {
    const entryUs = history[i]!;
    const entrySlot = Math.floor(entryUs / span.slotUs);
    if (entrySlot !== slot) {
      if (recipients > 0) yield { lastUs, recipients };
      if (entryUs <= nowUs - span.windowUs) return;
      slot = entrySlot;
      lastUs = entryUs;
      recipients = 0;
    }
    recipients += history[i + 1]!;
  }
  if (recipients > 0) yield { lastUs, recipients };
}

// Windows that have already lost the newer of the two do not care.
function sameSlots(aUs: number, bUs: number, ageUs: number, spans: readonly Span[]): boolean {
  for (const { windowUs, slotUs: widthUs } of spans) {
    if (ageUs < windowUs && Math.floor(aUs / widthUs) !== Math.floor(bUs / widthUs)) return false;
  }
  return true;
}
