/** A line of a log file that was read. */
import type { LogEvent } from './event.ts';
import type { Followed, LogCursor } from './follow.ts';
import type { CutLine } from './line-cutter.ts';
import type { LogFile } from './log-file.ts';

/** An event and the place behind it, which few are asked for. */
export class FollowedLine implements Followed {
  readonly event: LogEvent;
  readonly history: boolean;
  readonly #line: CutLine;
  readonly #file: LogFile;
  readonly #path: string;
  readonly #behind: LogCursor | undefined;

  constructor(
    event: LogEvent,
    history: boolean,
    line: CutLine,
    file: LogFile,
    path: string,
    behind: LogCursor | undefined,
  ) {
    this.event = event;
    this.history = history;
    this.#line = line;
    this.#file = file;
    this.#path = path;
    this.#behind = behind;
  }

  get cursor(): LogCursor {
    if (this.#behind !== undefined) return this.#behind;
    const { end, check } = this.#line;
    const position = this.#file.position(end, check);
    return { kind: 'file', path: this.#path, ...position, atMs: this.event.atMs };
  }
}
