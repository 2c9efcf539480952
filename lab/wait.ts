/** Waiting for something that another process does. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface WaitOptions {
  /** Default 30 s. */
  readonly timeoutMs?: number;
  /** Default 20 ms. */
  readonly everyMs?: number;
  /** Said in the error: `300 deliveries`. */
  readonly what?: string;
}

/** Resolves with the first truthy answer; rejects with an Error that says what was waited for. */
export async function waitFor<T>(
  predicate: () => T | Promise<T>,
  options: WaitOptions = {},
): Promise<NonNullable<T>> {
  const { timeoutMs = 30_000, everyMs = 20, what = 'a condition' } = options;
  const until = performance.now() + timeoutMs;
  for (;;) {
    const answer = await predicate();
    if (answer) return answer;
    if (performance.now() > until) {
      throw new Error(`waited ${timeoutMs / 1000} s in vain for ${what}`);
    }
    await sleep(everyMs);
  }
}

/** Milliseconds since the epoch with fractions, from a clock that is never set back. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}
