/**
 * Time as the daemon sees it, handed in by the composition root. Milliseconds and microseconds
 * since the epoch that never step back: the wall clock at the start, and a steady one after it.
 */
export interface Clock {
  nowMs(): number;
  nowUs(): number;
}
