/**
 * A line of the log, taken apart: stamp, program, pid, text. Lines of other programs, and lines
 * that are none, are undefined. Everything here is linear in the line's length.
 */
import type { StampReader } from './stamp.ts';

export interface LogLine {
  /** Milliseconds since the epoch; from the future: now, lest it be newer than all that follows. */
  readonly atMs: number;
  /** `smtp`, `smtpd`, `postsuper`, …: what follows the last `/` of the tag. '' where none is there. */
  readonly program: string;
  /** 0 where the line has none. */
  readonly pid: number;
  readonly text: string;
}

/** What can stand between a stamp and the text: `host postfix-out/submission/smtpd[123]: `. */
const LONGEST_HEAD = 512;
const REPEATED = /^message repeated \d+ times: \[ /;

/** `name[123]` or `name` as a tag of Postfix: it has a `/`, or begins with `post`. */
export function readTag(
  tag: string,
): { readonly program: string; readonly pid: number } | undefined {
  const bracket = tag.endsWith(']') ? tag.lastIndexOf('[') : -1;
  const name = bracket > 0 ? tag.slice(0, bracket) : tag;
  const pid = bracket > 0 ? Number(tag.slice(bracket + 1, -1)) : 0;
  if (!Number.isSafeInteger(pid) || pid < 0) return undefined;
  const slash = name.lastIndexOf('/');
  if (slash < 0 && !name.startsWith('post')) return undefined;
  const program = name.slice(slash + 1);
  return program === '' ? undefined : { program, pid };
}

/** rsyslog folds equal lines: `message repeated 2 times: [ … ]`. The text inside is the line. */
function unfold(text: string): string {
  const found = text.startsWith('message repeated ') ? REPEATED.exec(text) : null;
  return found === null ? text : text.slice(found[0].length, text.endsWith(']') ? -1 : undefined);
}

/**
 * Takes a line apart. `nowMs` settles the year of stamps without one, and is the time of a line
 * that has no stamp at all.
 */
export function readLine(line: string, stamps: StampReader, nowMs: number): LogLine | undefined {
  const stamp = stamps.read(line, nowMs);
  const atMs = Math.min(stamp?.atMs ?? nowMs, nowMs);
  // Tag and text part at the first `: ` whose left side ends in a tag of ours.
  const start = stamp?.length ?? 0;
  const head = line.slice(start, start + LONGEST_HEAD);
  const colon = head.indexOf(': ');
  if (colon < 0) return undefined;
  const blank = head.lastIndexOf(' ', colon - 1);
  const tag = readTag(head.slice(blank + 1, colon));
  if (tag !== undefined) {
    return {
      atMs,
      program: tag.program,
      pid: tag.pid,
      text: unfold(line.slice(start + colon + 2)),
    };
  }
  // Tools that cut the head off leave `ID: to=<…>, …`; nothing else is taken without a tag.
  if (stamp === undefined && head.startsWith('to=<', colon + 2)) {
    return { atMs, program: '', pid: 0, text: line.trimStart() };
  }
  return undefined;
}
