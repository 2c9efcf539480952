/**
 * The Postfix log as a stream of events, from a file or from the journal. Both resume exactly from
 * the cursor of the last event that was dealt with.
 */
import { access } from 'node:fs/promises';
import type { LogEvent } from './event.ts';
import type { FilePosition } from './log-file.ts';

/** Where to go on: plain JSON, to be stored with what was done about the event. */
export type LogCursor =
  | (FilePosition & { readonly kind: 'file'; readonly path: string; readonly atMs: number })
  | { readonly kind: 'journal'; readonly cursor: string; readonly atMs: number };

export interface Followed {
  readonly event: LogEvent;
  /** The place behind the event's line. */
  readonly cursor: LogCursor;
  /**
   * The line was dealt with by an earlier run, or was there before the first one: evidence, but
   * nothing to act on. Its cursor is the place behind all history.
   */
  readonly history: boolean;
}

/** For status. */
export interface FollowState {
  /** `/var/log/mail.log`, `journal` */
  readonly source: string;
  /** What keeps it from reading; undefined: all well. */
  readonly trouble: string | undefined;
  /** What was lost of the log while nobody read it. */
  readonly lost: string | undefined;
  /** What was there at the start has been read. */
  readonly caughtUp: boolean;
  /** Bytes that are not read yet; undefined for the journal, and until the file is open. */
  readonly behindBytes: number | undefined;
  /** Milliseconds since the epoch, of the last event read. */
  readonly lastEventMs: number | undefined;
}

/** Gives what it reads a piece at a time, each in the order of the log. */
export interface LogFollower extends AsyncIterable<readonly Followed[]> {
  state(): FollowState;
  /** Ends the iteration. */
  close(): void;
}

export interface FollowSettings {
  /** Where the last run ended; undefined at the first start. */
  readonly cursor: LogCursor | undefined;
  /** How much of what lies before is given as history: at each start, as evidence has no memory. */
  readonly lookBack: { readonly bytes: number; readonly ms: number };
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** How far `now` is ahead of the machine's clock, which stamps are of; absent: it is that clock. */
  readonly aheadMs?: () => number;
  /** How often a file is looked at when nothing tells of a change. */
  readonly pollMs?: number;
}

/** Enough to tell why the mail is held that is there at the start. */
export const LOOK_BACK = { bytes: 64 * 1024 * 1024, ms: 24 * 60 * 60 * 1000 };

/** Where a syslogd writes the mail log. */
const USUAL_FILES = ['/var/log/mail.log', '/var/log/maillog', '/var/log/mail/mail.log'];

export type LogSource =
  { readonly kind: 'file'; readonly path: string } | { readonly kind: 'journal' };

/**
 * What `feedback.log` means: a path, `journal`, `none`, or `auto`: maillog_file where Postfix has
 * one, else a usual file that can be read, else the journal.
 */
export async function chooseLog(
  configured: string,
  maillogFile: string,
): Promise<LogSource | undefined> {
  if (configured === 'none') return undefined;
  if (configured === 'journal') return { kind: 'journal' };
  if (configured !== 'auto') return { kind: 'file', path: configured };
  // With this setting Postfix writes nowhere else; /dev/stdout is a container's way.
  if (maillogFile !== '' && !maillogFile.startsWith('/dev/'))
    return { kind: 'file', path: maillogFile };
  for (const path of USUAL_FILES) {
    if (
      await access(path).then(
        () => true,
        () => false,
      )
    )
      return { kind: 'file', path };
  }
  return { kind: 'journal' };
}
