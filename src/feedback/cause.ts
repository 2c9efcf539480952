/** A provider's reply as it is kept and shown: one line, bounded, nothing that a terminal obeys. */
const LONGEST = 300;

export function readableCause(reply: string): string {
  const line = reply
    .slice(0, 2 * LONGEST)
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim();
  return line.length > LONGEST ? `${line.slice(0, LONGEST - 1)}…` : line;
}
