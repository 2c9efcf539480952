/**
 * Follows the journal through journalctl: `-f -o json`, after the cursor of the last entry. When
 * journalctl ends it is started again, later each time it fails.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import type { Followed, FollowSettings, FollowState, LogCursor, LogFollower } from './follow.ts';
import { type JournalEntry, readJournalEntry } from './journal-entry.ts';
import { readText } from './log-grammar.ts';

const BACKOFF = { firstMs: 500, longestMs: 60_000 };
const LOST = 'the journal has lost the entry that was read last: others may be missing';
const FIELDS = ['MESSAGE', 'SYSLOG_IDENTIFIER', 'SYSLOG_PID', '_PID', '_SOURCE_REALTIME_TIMESTAMP'];

export interface JournalSettings extends FollowSettings {
  /**
   * What selects Postfix's entries: `SYSLOG_FACILITY=2` (mail), or `-u`, `postfix@-.service`. Other
   * programs' entries are passed over.
   */
  readonly match: readonly string[];
  /** Default: journalctl, from PATH. */
  readonly command?: readonly string[];
}

/** The entries of syslog's mail facility: Postfix's syslog_facility, unless it was changed. */
export const MAIL_FACILITY: readonly string[] = ['SYSLOG_FACILITY=2'];

export class JournalFollower implements LogFollower {
  readonly #settings: JournalSettings;
  readonly #startedMs: number;
  readonly #closing = new AbortController();
  /** Up to it all is history: the last run's end, at the first start the time of the start. */
  readonly #end: Extract<LogCursor, { readonly kind: 'journal' }>;
  #inHistory = true;
  #metEnd = false;
  #caughtUp = false;
  #trouble: string | undefined;
  #lastEventMs: number | undefined;
  #cursor: string | undefined;
  #sinceMs: number;
  #child: ChildProcess | undefined;

  constructor(settings: JournalSettings) {
    this.#settings = settings;
    this.#startedMs = settings.now();
    const known = settings.cursor;
    this.#end =
      known?.kind === 'journal' ? known : { kind: 'journal', cursor: '', atMs: this.#startedMs };
    // What came while nobody read may be older than the look-back.
    this.#sinceMs = Math.min(this.#startedMs, this.#end.atMs) - settings.lookBack.ms;
  }

  state(): FollowState {
    return {
      source: 'journal',
      trouble: this.#trouble,
      lost: this.#caughtUp && this.#end.cursor !== '' && !this.#metEnd ? LOST : undefined,
      caughtUp: this.#caughtUp,
      behindBytes: undefined,
      lastEventMs: this.#lastEventMs,
    };
  }

  close(): void {
    this.#closing.abort();
    this.#child?.kill();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly Followed[]> {
    let waitMs = BACKOFF.firstMs;
    const signal = this.#closing.signal;
    try {
      while (!signal.aborted) {
        const before = this.#cursor;
        // The first run ends where the journal ends now.
        const ended = yield* this.#run(this.#caughtUp);
        if (signal.aborted) return;
        if (ended && !this.#caughtUp) {
          this.#caughtUp = true;
          // Entries that come from here on are news, whatever their time says.
          this.#inHistory = false;
          continue;
        }
        if (this.#cursor !== before) waitMs = BACKOFF.firstMs;
        await sleep(waitMs, undefined, { signal }).catch(() => undefined);
        waitMs = Math.min(2 * waitMs, BACKOFF.longestMs);
      }
    } finally {
      this.close();
    }
  }

  #argv(follow: boolean): readonly [string, ...string[]] {
    const [command = 'journalctl', ...rest] = this.#settings.command ?? [];
    const from =
      this.#cursor === undefined
        ? `--since=@${Math.floor(this.#sinceMs / 1000)}`
        : `--after-cursor=${this.#cursor}`;
    // --all: without it long texts come as null. --no-tail: -f alone begins ten entries back.
    const options = [...(follow ? ['-f', '--no-tail'] : []), '-q', '--all', '-o', 'json', from];
    const fields = `--output-fields=${FIELDS.join(',')}`;
    return [command, ...rest, ...options, fields, ...this.#settings.match];
  }

  /** One run of journalctl, until it ends; whether in good order. */
  async *#run(follow: boolean): AsyncGenerator<readonly Followed[], boolean> {
    const [file, ...args] = this.#argv(follow);
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-1000);
    });
    const ended = once(child, 'close').then(
      ([code, how]) => `ended with ${String(how ?? code)}`,
      (error: unknown) => String(error),
    );
    child.once('spawn', () => (this.#trouble = undefined));
    try {
      let rest = '';
      child.stdout.setEncoding('utf8');
      for await (const chunk of child.stdout as AsyncIterable<string>) {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop() ?? '';
        const found: Followed[] = [];
        for (const line of lines) {
          const followed = this.#read(line);
          if (followed !== undefined) found.push(followed);
        }
        if (found.length > 0) yield found;
        await setImmediate();
      }
      const how = await ended;
      if (how === 'ended with 0' && !follow) return true;
      const said = stderr.trim().split('\n').at(-1) ?? '';
      this.#trouble = `journalctl: ${said === '' ? how : said}`;
      // Vacuumed away: by time, then, a second twice rather than not at all.
      if (said.includes('seek to cursor')) {
        this.#cursor = undefined;
        this.#sinceMs = this.#lastEventMs ?? this.#sinceMs;
      }
      return false;
    } finally {
      child.kill();
    }
  }

  #read(line: string): Followed | undefined {
    const entry = readJournalEntry(line);
    if (entry === undefined) return undefined;
    this.#cursor = entry.cursor;
    const history = this.#isHistory(entry);
    const { atMs } = entry.line;
    const { now, aheadMs = () => 0 } = this.#settings;
    // As in a file: nothing is newer than now.
    const event = readText({ ...entry.line, atMs: Math.min(atMs + aheadMs(), now()) });
    if (event === undefined) return undefined;
    this.#lastEventMs = event.atMs;
    const here: LogCursor = { kind: 'journal', cursor: entry.cursor, atMs };
    return { event, cursor: history ? this.#end : here, history };
  }

  /** The entry of the cursor is the last one of history; where it is gone, its time decides. */
  #isHistory(entry: JournalEntry): boolean {
    const isEnd = entry.cursor === this.#end.cursor;
    this.#metEnd ||= isEnd;
    const wasInHistory = this.#inHistory;
    if (isEnd || entry.line.atMs > this.#end.atMs) this.#inHistory = false;
    return wasInHistory && (isEnd || this.#inHistory);
  }
}
