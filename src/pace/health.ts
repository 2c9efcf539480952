/**
 * Whether a provider takes mail at all. After a deferral that is the provider's own doing only one
 * message at a time goes out (a probe), each after a longer wait, until one is taken.
 * Pure: state in, state out; times in milliseconds on one clock.
 */

export interface Trouble {
  readonly sinceMs: number;
  /** Refusals in a row, one for each probe. */
  readonly failures: number;
  readonly nextProbeMs: number;
  /** What the provider said last. */
  readonly reply: string;
}

export interface Backoff {
  readonly minMs: number;
  readonly maxMs: number;
}

/** The n-th wait (n from 1), doubling from the shortest to the longest. */
export function backoffMs(backoff: Backoff, n: number): number {
  return Math.min(backoff.maxMs, backoff.minMs * 2 ** Math.min(30, Math.max(0, n - 1)));
}

/**
 * A deferral of a message that left at `leftMs`. One that left before the trouble was seen, or
 * before the last refusal, says nothing new: several in flight make one failure.
 */
export function deferred(
  trouble: Trouble | undefined,
  reply: string,
  leftMs: number,
  nowMs: number,
  backoff: Backoff,
): Trouble {
  if (trouble === undefined) {
    return { sinceMs: nowMs, failures: 1, nextProbeMs: nowMs + backoff.minMs, reply };
  }
  if (!isProbe(trouble, leftMs, backoff)) return { ...trouble, reply };
  const failures = trouble.failures + 1;
  return { ...trouble, failures, nextProbeMs: nowMs + backoffMs(backoff, failures), reply };
}

/**
 * The queue manager kept a message back that left at `leftMs`: it gives a destination that failed
 * some time before it asks again, and our probe learned nothing. The same wait once more, lest one
 * message after the other be sent into its refusal.
 */
export function keptBack(
  trouble: Trouble,
  leftMs: number,
  nowMs: number,
  backoff: Backoff,
): Trouble {
  if (!isProbe(trouble, leftMs, backoff)) return trouble;
  return { ...trouble, nextProbeMs: nowMs + backoffMs(backoff, trouble.failures) };
}

/** It left after the last refusal was known. */
function isProbe(trouble: Trouble, leftMs: number, backoff: Backoff): boolean {
  return leftMs >= trouble.nextProbeMs - backoffMs(backoff, trouble.failures);
}
