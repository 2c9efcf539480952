/** What a provider saw of a sender against the rate that it bears. Pure. */

export interface Seen {
  /** When mail was taken, milliseconds. */
  readonly takenMs: readonly number[];
  /** What it would have taken. */
  readonly perMinute: number;
  readonly minuteMs: number;
  readonly fromMs: number;
  readonly untilMs: number;
}

export interface Measured {
  /** Mean rate in parts of the hidden one. */
  readonly mean: number;
  /** Part of the time, cut in pieces of an hour, below 0.8 of the hidden rate. */
  readonly low: number;
  readonly days: number;
  /** Each piece's rate, in parts of the hidden one. */
  readonly shares: readonly number[];
}

/** A piece short enough to show a dip, with enough mail in it that one more or less is no dip. */
const PIECE_MINUTES = 60;

export function measured({ takenMs, perMinute, minuteMs, fromMs, untilMs }: Seen): Measured {
  const pieceMs = PIECE_MINUTES * minuteMs;
  const pieces = Math.max(1, Math.floor((untilMs - fromMs) / pieceMs));
  const counts = Array.from({ length: pieces }, () => 0);
  for (const atMs of takenMs) {
    const index = Math.floor((atMs - fromMs) / pieceMs);
    if (index >= 0 && index < pieces) counts[index] = (counts[index] ?? 0) + 1;
  }
  const shares = counts.map((count) => count / (PIECE_MINUTES * perMinute));
  const mean = shares.reduce((sum, share) => sum + share, 0) / pieces;
  const low = shares.filter((share) => share < 0.8).length / pieces;
  return { mean, low, days: (pieces * PIECE_MINUTES) / 1440, shares };
}
