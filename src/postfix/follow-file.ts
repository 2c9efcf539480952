/**
 * Follows a log file: through rotation by rename and by copytruncate, truncation, removal and
 * creation. A file that is missing or can't be read is waited for. Read in slices, the event loop
 * has its turn between them.
 */
import { watch, type FSWatcher } from 'node:fs';
import { stat } from 'node:fs/promises';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import type { Followed, FollowSettings, FollowState, LogCursor, LogFollower } from './follow.ts';
import { generations, holds, LogFile, type Rotated } from './log-file.ts';
import { readEvent } from './log-grammar.ts';
import { StampReader } from './stamp.ts';

const POLL_MS = 200;
/** A busy log tells of every line; they are read together. */
const GATHER_MS = 10;
const MISSING = 'no such file or directory';

/** A file to be read, and how. */
interface Part {
  readonly path: string;
  readonly offset: number;
  /** The offset is the beginning of a line. */
  readonly whole: boolean;
  /** What lies before this offset is history. */
  readonly historyEnd: number;
}

export class FileFollower implements LogFollower {
  readonly #path: string;
  readonly #settings: FollowSettings;
  readonly #stamps = new StampReader();
  readonly #startedMs: number;
  #closed = false;
  #trouble: string | undefined;
  #lost: string | undefined;
  #size = 0;
  #file: LogFile | undefined;
  #lastEventMs: number | undefined;
  #watcher: FSWatcher | undefined;
  #changed = false;
  #wake: () => void = () => undefined;

  constructor(path: string, settings: FollowSettings) {
    this.#path = path;
    this.#settings = settings;
    this.#startedMs = settings.now();
  }

  state(): FollowState {
    return {
      source: this.#path,
      trouble: this.#trouble ?? this.#lost,
      behindBytes: Math.max(0, this.#size - (this.#file?.cutter.next ?? 0)),
      lastEventMs: this.#lastEventMs,
    };
  }

  close(): void {
    this.#closed = true;
    this.#watcher?.close();
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Followed> {
    try {
      await this.#readable();
      const parts = await this.#plan();
      for (const part of parts.slice(0, -1)) yield* this.#readOld(part);
      const last = parts.at(-1);
      if (last !== undefined) await this.#open(last.path, last.offset, last.whole);
      yield* this.#follow(last?.historyEnd ?? 0);
    } finally {
      this.close();
      await this.#file?.close();
    }
  }

  /** Waits while the log is there but can't be read: its place in it is found afterwards. */
  async #readable(): Promise<void> {
    while (!this.#closed) {
      const denied = await LogFile.open(this.#path, 0).then(
        (file) => file.close(),
        (error: unknown) => reason(error),
      );
      if (denied === undefined || denied === MISSING) return;
      this.#trouble = `${this.#path}: ${denied}`;
      await this.#pause();
    }
  }

  /** The files to be read, the oldest first; the last one is the log itself. */
  async #plan(): Promise<readonly Part[]> {
    const files = await generations(this.#path);
    if (files.at(-1)?.path !== this.#path) {
      // Rotated and not created again: the predecessors still count, the log begins at its head.
      return [...(await this.#planOf(files)), whole(this.#path)];
    }
    return this.#planOf(files);
  }

  async #planOf(files: readonly Rotated[]): Promise<readonly Part[]> {
    const cursor = this.#settings.cursor;
    if (cursor?.kind !== 'file') return this.#lookBack(files);
    const candidates = [...files].toSorted(
      // Its inode first: a copy (copytruncate) has the same bytes.
      (a, b) => Number(b.inode === cursor.inode) - Number(a.inode === cursor.inode),
    );
    for (const file of candidates) {
      if (!(await holds(file.path, cursor))) continue;
      const at = files.indexOf(file);
      const first = { ...whole(file.path), offset: cursor.offset };
      return [first, ...files.slice(at + 1).map(({ path }) => whole(path))];
    }
    this.#lost =
      'the log was rotated away or replaced since it was last read: lines may be missing';
    return files.filter((file) => file.mtimeMs >= cursor.atMs).map(({ path }) => whole(path));
  }

  /** At the first start: as much of the newest files as the look-back allows. */
  #lookBack(files: readonly Rotated[]): readonly Part[] {
    const parts: Part[] = [];
    let budget = this.#settings.lookBack.bytes;
    for (const file of [...files].toReversed()) {
      const tooOld = file.mtimeMs < this.#startedMs - this.#settings.lookBack.ms;
      if (file.path !== this.#path && (budget <= 0 || tooOld)) break;
      const offset = Math.max(0, file.size - budget);
      budget -= file.size;
      parts.unshift({ path: file.path, offset, whole: offset === 0, historyEnd: file.size });
    }
    return parts;
  }

  async *#readOld(part: Part): AsyncGenerator<Followed> {
    const file = await LogFile.open(part.path, part.offset, part.whole).catch(() => undefined);
    if (file === undefined) {
      this.#lost = `${part.path} can't be read: lines may be missing`;
      return;
    }
    try {
      yield* this.#drain(file, part.historyEnd);
    } finally {
      await file.close();
    }
  }

  async *#follow(historyEnd: number): AsyncGenerator<Followed> {
    while (!this.#closed) {
      if (this.#file !== undefined) yield* this.#drain(this.#file, historyEnd);
      await this.#pause();
      if (this.#closed) return;
      const found = await stat(this.#path).catch((error: unknown) => reason(error));
      if (typeof found === 'string') {
        this.#trouble = `${this.#path}: ${found}`;
      } else if (this.#file === undefined) {
        await this.#open(this.#path, 0, true);
        historyEnd = 0;
      } else if (found.ino === this.#file.inode) {
        this.#trouble = undefined;
        this.#size = found.size;
        if (await this.#file.intact()) continue;
        historyEnd = 0;
        yield* this.#restart(this.#file);
      } else if (found.size > 0) {
        // The writer has changed over to the new file: the old one is complete.
        yield* this.#drain(this.#file, historyEnd);
        await this.#open(this.#path, 0, true);
        historyEnd = 0;
      }
    }
  }

  /** Truncated: what was not read of it may be in the copy that was made before. */
  async *#restart(file: LogFile): AsyncGenerator<Followed> {
    const position = file.position(file.cutter.offset, file.cutter.check);
    for (const copy of [...(await generations(this.#path))].toReversed()) {
      if (copy.path === this.#path || !(await holds(copy.path, position))) continue;
      yield* this.#readOld({ ...whole(copy.path), offset: position.offset });
      break;
    }
    file.rewind();
  }

  /** Everything up to the end of the file. */
  async *#drain(file: LogFile, historyEnd: number): AsyncGenerator<Followed> {
    const oldestMs = this.#startedMs - this.#settings.lookBack.ms;
    while (!this.#closed) {
      const slice = await file.read();
      if (slice.length === 0) return;
      const nowMs = this.#settings.now();
      for (const line of file.cutter.push(slice)) {
        const event = readEvent(line.text, this.#stamps, nowMs);
        if (event === undefined) continue;
        const history = line.end <= historyEnd;
        if (history && event.atMs < oldestMs) continue;
        this.#lastEventMs = event.atMs;
        const position = file.position(line.end, line.check);
        const cursor: LogCursor = { kind: 'file', path: this.#path, ...position, atMs: event.atMs };
        yield { event, cursor, history };
      }
      await setImmediate();
    }
  }

  async #open(path: string, offset: number, wholeLine: boolean): Promise<void> {
    try {
      const file = await LogFile.open(path, offset, wholeLine);
      await this.#file?.close();
      this.#file = file;
      this.#trouble = undefined;
      this.#size = await file.size();
      this.#watch();
    } catch (error) {
      this.#trouble = `${path}: ${reason(error)}`;
    }
  }

  #watch(): void {
    this.#watcher?.close();
    try {
      this.#watcher = watch(this.#path, () => {
        this.#changed = true;
        this.#wake();
      });
      this.#watcher.on('error', () => undefined);
    } catch {
      // No inotify watch left: the poll alone does it, a fifth of a second later.
      this.#watcher = undefined;
    }
  }

  /** Until the file changes, or it is time to look. */
  async #pause(): Promise<void> {
    if (!this.#changed && !this.#closed) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, this.#settings.pollMs ?? POLL_MS);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    if (this.#changed) await sleep(GATHER_MS);
    this.#changed = false;
  }
}

function whole(path: string): Part {
  return { path, offset: 0, whole: true, historyEnd: 0 };
}

/** `no such file or directory`, `permission denied`. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return /^[A-Z]+: ([^,]+),/.exec(error.message)?.[1] ?? error.message;
}
