/**
 * Follows a log file: through rotation by rename and by copytruncate, truncation, removal and
 * creation. A file that is missing or can't be read is waited for. Read in slices, the event loop
 * has its turn between them.
 */
import { stat } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import type { Followed, FollowSettings, FollowState, LogFollower } from './follow.ts';
import { FollowedLine } from './followed-line.ts';
import { generations, holds, LogFile, SLICE_BYTES } from './log-file.ts';
import { readEvent } from './log-grammar.ts';
import { planLog, type Plan } from './log-plan.ts';
import { LogWatch } from './log-watch.ts';
import { StampReader } from './stamp.ts';

const POLL_MS = 200;
/** A file that was renamed away is complete when nothing came for so long. */
const COMPLETE_MS = 1_000;
const NEWS: Plan = { parts: [], start: undefined, historyUntilMs: 0, lost: undefined };

export class FileFollower implements LogFollower {
  readonly #path: string;
  readonly #settings: FollowSettings;
  readonly #stamps: StampReader;
  readonly #startedMs: number;
  readonly #pollMs: number;
  readonly #watch: LogWatch;
  #closed = false;
  #caughtUp = false;
  #trouble: string | undefined;
  #plan = NEWS;
  /** The file that is being read, its size, and what is to be read after it. */
  #file: LogFile | undefined;
  #size = 0;
  #waitingBytes: number | undefined;
  #lastEventMs: number | undefined;

  constructor(path: string, settings: FollowSettings) {
    this.#path = path;
    this.#settings = settings;
    this.#stamps = new StampReader(settings.aheadMs);
    this.#startedMs = settings.now();
    this.#pollMs = settings.pollMs ?? POLL_MS;
    this.#watch = new LogWatch(path, this.#pollMs);
  }

  state(): FollowState {
    const here = Math.max(0, this.#size - (this.#file?.cutter.next ?? this.#size));
    return {
      source: this.#path,
      trouble: this.#trouble,
      lost: this.#plan.lost,
      caughtUp: this.#caughtUp,
      behindBytes: this.#waitingBytes === undefined ? undefined : this.#waitingBytes + here,
      lastEventMs: this.#lastEventMs,
    };
  }

  close(): void {
    this.#closed = true;
    this.#watch.close();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly Followed[]> {
    try {
      this.#plan = await this.#begin();
      yield* this.#readParts();
      yield* this.#follow();
    } finally {
      this.close();
      await Promise.all(this.#plan.parts.map(({ file }) => file.close().catch(() => undefined)));
      await this.#file?.close().catch(() => undefined);
    }
  }

  /** Waits while the log is there but can't be read: its place in it is found afterwards. */
  async #begin(): Promise<Plan> {
    while (!this.#closed) {
      try {
        await stat(this.#path).catch(onlyMissing);
        const plan = await planLog(this.#path, this.#settings);
        this.#waitingBytes = plan.parts.reduce((sum, { bytes }) => sum + bytes, 0);
        this.#trouble = undefined;
        return plan;
      } catch (error) {
        this.#trouble = `${this.#path}: ${reason(error)}`;
        await this.#watch.pause();
      }
    }
    return NEWS;
  }

  async *#readParts(): AsyncGenerator<readonly Followed[]> {
    const { parts } = this.#plan;
    for (const [index, { file, historyEnd, bytes, mtimeMs }] of parts.entries()) {
      this.#waitingBytes = (this.#waitingBytes ?? 0) - bytes;
      this.#file = file;
      this.#size = await file.size();
      const last = index === parts.length - 1;
      yield* this.#drain(file, historyEnd);
      if (last) this.#watch.start();
      else if (Math.abs(this.#startedMs - mtimeMs) < COMPLETE_MS) yield* this.#complete(file);
    }
  }

  /**
   * The rest of a file that was renamed away. Whoever still has it open (a command that logs by
   * itself comes before the daemon that reopens) is given a moment.
   */
  async *#complete(file: LogFile): AsyncGenerator<readonly Followed[]> {
    for (let quietMs = 0; quietMs < COMPLETE_MS && !this.#closed; quietMs += this.#pollMs) {
      const before = file.cutter.next;
      yield* this.#drain(file, 0);
      if (file.cutter.next !== before) quietMs = 0;
      await this.#watch.pause();
    }
  }

  async *#follow(): AsyncGenerator<readonly Followed[]> {
    // Lines that come from here on are news, whatever their time says.
    this.#plan = { ...NEWS, parts: this.#plan.parts, lost: this.#plan.lost };
    // A log that is not there yet is said from the start, not only once it was looked for again.
    if (this.#file === undefined) {
      const missing = await stat(this.#path).catch((error: unknown) => reason(error));
      if (typeof missing === 'string') this.#trouble = `${this.#path}: ${missing}`;
    }
    this.#caughtUp = true;
    while (!this.#closed) {
      const before = this.#file?.cutter.next ?? 0;
      if (this.#file !== undefined) yield* this.#drain(this.#file, 0);
      await this.#watch.after((this.#file?.cutter.next ?? 0) - before);
      if (this.#closed) return;
      const found = await stat(this.#path).catch((error: unknown) => reason(error));
      if (typeof found === 'string') {
        this.#trouble = `${this.#path}: ${found}`;
      } else if (!found.isFile()) {
        this.#trouble = `${this.#path}: not a file`;
      } else if (this.#file === undefined) {
        await this.#open();
      } else if (found.ino === this.#file.inode) {
        this.#trouble = undefined;
        this.#size = found.size;
        if (!(await this.#file.intact())) yield* this.#restart(this.#file);
      } else if (found.size > 0) {
        // Renamed away, and the new file is in use.
        yield* this.#complete(this.#file);
        yield* this.#between(this.#file);
        await this.#open();
      }
    }
  }

  /** Rotated more than once since it was looked at last: what came between that file and the log. */
  async *#between({ inode }: LogFile): AsyncGenerator<readonly Followed[]> {
    const all = await generations(this.#path);
    const before = all.findIndex((one) => one.inode === inode);
    if (before < 0) return;
    for (const { path } of all.slice(before + 1, -1)) {
      const file = await LogFile.open(path, 0).catch(() => undefined);
      if (file === undefined) continue;
      yield* this.#drain(file, 0);
      await file.close();
    }
  }

  /** Truncated: what was not read of it may be in the copy that was made before. */
  async *#restart(file: LogFile): AsyncGenerator<readonly Followed[]> {
    const position = file.position(file.cutter.offset, file.cutter.check);
    for (const { path } of (await generations(this.#path)).toReversed()) {
      if (path === this.#path || !(await holds(path, position))) continue;
      const copy = await LogFile.open(path, position.offset).catch(() => undefined);
      if (copy === undefined) continue;
      yield* this.#drain(copy, 0);
      await copy.close();
      break;
    }
    file.rewind();
  }

  /** Everything up to the end of the file. */
  async *#drain(file: LogFile, historyEnd: number): AsyncGenerator<readonly Followed[]> {
    const { start, historyUntilMs } = this.#plan;
    const oldestMs = this.#startedMs - this.#settings.lookBack.ms;
    while (!this.#closed) {
      const slice = await file.read();
      if (slice.length === 0) return;
      const nowMs = this.#settings.now();
      const found: Followed[] = [];
      for (const line of file.cutter.push(slice)) {
        const event = readEvent(line.text, this.#stamps, nowMs);
        if (event === undefined) continue;
        const history = line.end <= historyEnd || event.atMs <= historyUntilMs;
        if (history && event.atMs < oldestMs) continue;
        this.#lastEventMs = event.atMs;
        const behind = history ? start : undefined;
        found.push(new FollowedLine(event, history, line, file, this.#path, behind));
      }
      if (found.length > 0) yield found;
      if (slice.length < SLICE_BYTES) return;
      await setImmediate();
    }
  }

  /** The log, from its head. */
  async #open(): Promise<void> {
    try {
      const file = await LogFile.open(this.#path, 0);
      await this.#file?.close();
      this.#file = file;
      this.#trouble = undefined;
      this.#size = await file.size();
      this.#watch.start();
    } catch (error) {
      this.#trouble = `${this.#path}: ${reason(error)}`;
    }
  }
}

/** Throws again what is not "no such file". */
function onlyMissing(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
}

/** `no such file or directory`, `permission denied`. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return /^[A-Z]+: ([^,]+),/.exec(error.message)?.[1] ?? error.message;
}
