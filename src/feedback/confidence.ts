/** How sure a share is that was counted in few messages (Wilson 1927). */

/** 1.645: nineteen times out of twenty the share is above the bound. */
const Z = 1.645;

/** Whether the share of `bad` in `bad + good` is above `share`, beyond what chance would do. */
export function isConfident(bad: number, good: number, share: number): boolean {
  const n = bad + good;
  if (n === 0) return false;
  const p = bad / n;
  const spread = Z * Math.sqrt((p * (1 - p)) / n + (Z * Z) / (4 * n * n));
  return (p + (Z * Z) / (2 * n) - spread) / (1 + (Z * Z) / n) > share;
}
