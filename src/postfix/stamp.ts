/**
 * The stamp at the head of a log line: RFC 3164 as syslogd and Postfix's own postlogd write it
 * (`Nov  4 09:05:01`, local time, no year), the same with a year and fractions
 * (`2013 Jun 16 16:05:06.123`), and RFC 3339 as rsyslog writes it (`2026-11-04T09:05:01.5+01:00`).
 */

/** A stamp without a year may lie this far in the future (clocks differ) before it means last year. */
const AHEAD_MS = 24 * 60 * 60 * 1000;
const MINUTE_MS = 60_000;
/** Clocks are put back by half an hour (Lord Howe Island) to two hours (Troll). */
const LEAST_STEP_MS = 30 * MINUTE_MS;
const MOST_STEP_MS = 120 * MINUTE_MS;

const MONTHS: ReadonlyMap<string, number> = new Map(
  ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'].map(
    (name, index) => [name, index],
  ),
);

const SYSLOG =
  /^(?:(\d{4}) )?([A-Z][a-z]{2}) +(\d{1,2}) (?:(\d{4}) )?(\d\d):(\d\d):(\d\d)(\.\d{1,9})? /;
const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)([.,]\d{1,9})?(Z|[+-]\d\d:?\d\d)? /;

export interface Stamp {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  /** Characters of the line that the stamp takes, the blank after it included. */
  readonly length: number;
}

/** Fraction of a second as written (`.123456`) in whole milliseconds. */
function fractionMs(text: string | undefined): number {
  return text === undefined ? 0 : Math.floor(Number(`0.${text.slice(1)}`) * 1000);
}

/**
 * The time that a local date and hour means. The hour that a clock goes through twice in autumn
 * means the second time, unless that is still to come (a minute ahead: clocks differ).
 */
function latestOf(date: Date, nowMs: number): number {
  // Of two JavaScript takes the first.
  const firstMs = date.getTime();
  if (!(firstMs + LEAST_STEP_MS <= nowMs + MINUTE_MS)) return firstMs;
  const later = new Date(firstMs + MOST_STEP_MS);
  const stepMs = (later.getTimezoneOffset() - date.getTimezoneOffset()) * MINUTE_MS;
  if (stepMs <= 0 || firstMs + stepMs > nowMs + MINUTE_MS) return firstMs;
  const second = new Date(firstMs + stepMs);
  const isTwice =
    second.getHours() === date.getHours() && second.getMinutes() === date.getMinutes();
  return isTwice ? second.getTime() : firstMs;
}

/** Local time in the year that puts the stamp nearest before `nowMs`, a day ahead allowed. */
function inferYear(nowMs: number, at: (year: number) => Date, month: number): number {
  const thisYear = new Date(nowMs).getFullYear();
  for (let year = thisYear + 1; year > thisYear - 8; year--) {
    const date = at(year);
    // 29 February exists only in its own year.
    if (date.getMonth() === month && date.getTime() <= nowMs + AHEAD_MS)
      return latestOf(date, nowMs);
  }
  return Number.NaN;
}

function readSyslog(line: string, nowMs: number): Stamp | undefined {
  const found = SYSLOG.exec(line);
  if (found === null) return undefined;
  const month = MONTHS.get(found[2]!);
  if (month === undefined) return undefined;
  const year = found[1] ?? found[4];
  const at = (y: number) =>
    new Date(y, month, Number(found[3]), Number(found[5]), Number(found[6]), Number(found[7]));
  const wholeMs =
    year === undefined ? inferYear(nowMs, at, month) : latestOf(at(Number(year)), nowMs);
  if (Number.isNaN(wholeMs)) return undefined;
  return { atMs: wholeMs + fractionMs(found[8]), length: found[0].length };
}

function readRfc3339(line: string, nowMs: number): Stamp | undefined {
  const found = RFC3339.exec(line);
  if (found === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found
    .slice(1, 7)
    .map(Number);
  const zone = found[8];
  let wholeMs: number;
  if (zone === undefined) {
    wholeMs = latestOf(new Date(year, month - 1, day, hour, minute, second), nowMs);
  } else {
    const sign = zone.startsWith('-') ? -1 : 1;
    const digits = zone === 'Z' ? '0000' : zone.slice(1).replace(':', '');
    const offsetMin = sign * (Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2)));
    wholeMs = Date.UTC(year, month - 1, day, hour, minute, second) - offsetMin * 60_000;
  }
  if (Number.isNaN(wholeMs)) return undefined;
  return { atMs: wholeMs + fractionMs(found[7]), length: found[0].length };
}

/**
 * Reads the stamp at the head of a line; undefined where there is none. `nowMs` settles the year
 * of a stamp without one, the latest that is not more than a day after it, and which of two local
 * times with the same name is meant.
 */
export function readStamp(line: string, nowMs: number): Stamp | undefined {
  const first = line.charCodeAt(0);
  if (first >= 0x30 && first <= 0x39) return readRfc3339(line, nowMs) ?? readSyslog(line, nowMs);
  return readSyslog(line, nowMs);
}

/** The same for many lines in a row: lines of one second share one reading. */
export class StampReader {
  readonly #aheadMs: () => number;
  #head = '';
  #last: Stamp | undefined;
  #readAtMs = Number.NaN;

  /** `aheadMs`: how far the clock of `nowMs`, and of what is read, is ahead of the stamps'. */
  constructor(aheadMs: () => number = () => 0) {
    this.#aheadMs = aheadMs;
  }

  read(line: string, nowMs: number): Stamp | undefined {
    if (this.#last !== undefined && line.startsWith(this.#head) && nowMs - this.#readAtMs < 60_000)
      return this.#last;
    const aheadMs = this.#aheadMs();
    const found = readStamp(line, nowMs - aheadMs);
    if (found === undefined) return undefined;
    this.#last = { atMs: found.atMs + aheadMs, length: found.length };
    this.#head = line.slice(0, found.length);
    this.#readAtMs = nowMs;
    return this.#last;
  }
}
