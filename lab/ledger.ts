/**
 * Book-keeping of what was sent against what arrived: lost, duplicated, gaps, windows. Brute force
 * throughout, and nothing of the limiter's own arithmetic.
 */
import type { Sent } from './client.ts';
import type { Delivery } from './sink.ts';

export interface Account {
  /** Recipients whose mail got its 250. */
  readonly accepted: number;
  /** Of those, with exactly one delivery or more. */
  readonly delivered: number;
  /** `serial recipient` that never arrived. */
  readonly lost: readonly string[];
  /** `serial recipient` that arrived more than once. */
  readonly duplicated: readonly string[];
  /** `serial recipient` that arrived though nobody sent it. */
  readonly unknown: readonly string[];
  /** Recipients that the application was refused. */
  readonly refused: number;
}

/** Compares what an application sent with what all sinks together took. */
export function account(sent: readonly Sent[], deliveries: readonly Delivery[]): Account {
  const arrivals = new Map<string, number>();
  for (const { serial, recipient } of deliveries) {
    const key = `${serial} ${recipient.toLowerCase()}`;
    arrivals.set(key, (arrivals.get(key) ?? 0) + 1);
  }
  const expected = new Set<string>();
  let refused = 0;
  for (const { serial, to, code, refused: some } of sent) {
    const turnedAway = new Set(some.map(({ recipient }) => recipient));
    for (const recipient of to) {
      if (code !== 250 || turnedAway.has(recipient)) refused += 1;
      else expected.add(`${serial} ${recipient.toLowerCase()}`);
    }
  }
  const lost = [...expected].filter((key) => !arrivals.has(key));
  const duplicated = [...arrivals].filter(([, times]) => times > 1).map(([key]) => key);
  const unknown = [...arrivals.keys()].filter((key) => !expected.has(key));
  const accepted = expected.size;
  return { accepted, delivered: accepted - lost.length, lost, duplicated, unknown, refused };
}

export interface Gaps {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly mostMs: number;
}

/** Gaps between neighbours in time; the times need not be sorted. */
export function gaps(timesMs: readonly number[]): Gaps {
  const sorted = timesMs.toSorted((a, b) => a - b);
  const between = sorted.slice(1).map((time, i) => time - (sorted[i] ?? time));
  return {
    count: between.length,
    p50Ms: percentile(between, 50),
    p99Ms: percentile(between, 99),
    mostMs: percentile(between, 100),
  };
}

/** Nearest rank; NaN for no values. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length));
  return sorted[rank - 1] ?? NaN;
}

/** The most events in any half-open window [t, t + windowMs), and where it begins. */
export function fullestWindow(
  timesMs: readonly number[],
  windowMs: number,
): { readonly count: number; readonly fromMs: number } {
  const sorted = timesMs.toSorted((a, b) => a - b);
  let best = { count: 0, fromMs: NaN };
  // The fullest window begins at an event: moving it there loses none.
  for (let first = 0, past = 0; first < sorted.length; first += 1) {
    const fromMs = sorted[first] ?? NaN;
    while (past < sorted.length && (sorted[past] ?? NaN) < fromMs + windowMs) past += 1;
    if (past - first > best.count) best = { count: past - first, fromMs };
  }
  return best;
}

/** What a limit promises: pace `count`/window with burst, or a quota (no burst). */
export interface Promised {
  readonly count: number;
  readonly windowMs: number;
  /** Present: a pace, at most count + burst - 1 in any window. Absent: a quota, at most count. */
  readonly burst?: number;
}

/**
 * Sentences about windows with more events than promised; none: kept. At a sink, shorten the
 * window by the measured spread of delivery times (spreadMs): what was admitted a window apart may
 * arrive nearer together.
 */
export function overruns(
  timesMs: readonly number[],
  promises: readonly Promised[],
  spreadMs = 0,
): readonly string[] {
  const found: string[] = [];
  for (const { count, windowMs, burst } of promises) {
    const allowed = burst === undefined ? count : count + burst - 1;
    const fullest = fullestWindow(timesMs, windowMs - spreadMs);
    if (fullest.count <= allowed) continue;
    found.push(`${fullest.count} within ${windowMs - spreadMs} ms, ${allowed} promised`);
  }
  return found;
}
