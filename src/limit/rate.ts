/**
 * Rates and durations as a postmaster writes them: `20/min`, `300/h`, `20/2s`, `90s`, `2h`.
 * Text that is neither throws a plain SyntaxError, `found …, expected …`: the caller knows the file,
 * line and key, or the command, and adds them.
 */
import type { Limits, Pace, Quota, SenderLimits } from './limits.ts';

/** Recipients per window. */
export interface Rate {
  readonly count: number;
  readonly windowUs: number;
}

const UNIT_US: Readonly<Record<string, number>> = {
  ms: 1e3,
  s: 1e6,
  sec: 1e6,
  m: 60e6,
  min: 60e6,
  h: 3600e6,
  hour: 3600e6,
  d: 86400e6,
  day: 86400e6,
};

/** Largest first: how a duration is written back. */
const WRITTEN: readonly (readonly [name: string, us: number])[] = [
  ['day', 86400e6],
  ['h', 3600e6],
  ['min', 60e6],
  ['s', 1e6],
  ['ms', 1e3],
];

const DURATION = /^(\d{1,9}(?:\.\d{1,6})?)? ?(ms|s|sec|m|min|h|hour|d|day)$/;
const RATE = /^(\d{1,9}(?:\.\d{1,6})?) ?\/ ?(\S.*)$/;

/** `2h`, `30m`, `30min`, `90s`, `1d`, `200ms` in µs; throws SyntaxError. */
export function parseDurationUs(text: string): number {
  const us = /^\d/.test(text.trim()) ? durationUs(text.trim()) : undefined;
  if (us === undefined) {
    throw new SyntaxError(
      `found ${quoted(text)}, expected a duration such as 90s, 30m, 2h, 1d or 200ms`,
    );
  }
  return us;
}

/** `20/min`, `5/s`, `1500/day`, `20/2s`, `0.5/min`; throws SyntaxError. */
export function parseRate(text: string): Rate {
  const match = RATE.exec(text.trim());
  const count = Number(match?.[1]);
  const windowUs = durationUs(match?.[2] ?? '');
  if (match === null || !(count > 0) || windowUs === undefined) {
    throw new SyntaxError(
      `found ${quoted(text)}, expected a rate such as 20/min, 5/s, 300/h, 1500/day or 20/2s`,
    );
  }
  return { count, windowUs };
}

/** A pace from its rate; the burst defaults to a tenth of the count, at least 1. */
export function parsePace(text: string, burst?: number): Pace {
  const rate = parseRate(text);
  return { ...rate, burst: burst ?? defaultBurst(rate.count) };
}

/** `300/h`: a rate with a whole count; throws SyntaxError. */
export function parseQuota(text: string): Quota {
  const rate = parseRate(text);
  if (!Number.isInteger(rate.count)) {
    throw new SyntaxError(`found ${quoted(text)}, expected a quota with a whole count`);
  }
  return rate;
}

export function defaultBurst(count: number): number {
  return Math.max(1, Math.floor(count / 10));
}

/** `2h`, `90s`, `1500ms`; what is not a whole number of milliseconds is rounded to one. */
export function formatDuration(us: number): string {
  const wholeUs = Math.max(1e3, Math.round(us / 1e3) * 1e3);
  const [name, unitUs] = WRITTEN.find(([, size]) => wholeUs % size === 0) ?? ['ms', 1e3];
  return `${wholeUs / unitUs}${name}`;
}

/** `20/min`, `20/2s`; a count that a factor made is shown with four digits. */
export function formatRate({ count, windowUs }: Rate): string {
  const window = formatDuration(windowUs);
  return `${Number(count.toPrecision(Number.isInteger(count) ? 15 : 4))}/${window.replace(/^1(?=\D)/, '')}`;
}

/** `20/min burst 3, 300/h, 1500/day, 5 in flight; each sender 5/min burst 1`; `unlimited`. */
export function formatLimits(limits: Limits): string {
  const { inFlight, perSender } = limits;
  const parts = rates(limits);
  if (inFlight !== undefined) parts.push(`${inFlight} in flight`);
  const own = perSender === undefined ? '' : `; each sender ${rates(perSender).join(', ')}`;
  return `${parts.length === 0 ? 'unlimited' : parts.join(', ')}${own}`;
}

function rates({ pace, quotas }: SenderLimits): string[] {
  const written = quotas.map(formatRate);
  return pace === undefined ? written : [`${formatRate(pace)} burst ${pace.burst}`, ...written];
}

function durationUs(text: string): number | undefined {
  const match = DURATION.exec(text);
  const unitUs = UNIT_US[match?.[2] ?? ''];
  if (match === null || unitUs === undefined) return undefined;
  const us = Math.round(Number(match[1] ?? 1) * unitUs);
  return us > 0 && us <= Number.MAX_SAFE_INTEGER ? us : undefined;
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
