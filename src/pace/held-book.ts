/**
 * The records of what we hold: `state_dir/held.ndjson`, a line appended for each change, before
 * QUARANTINE is answered. The truth is Postfix's queue; this tells which holds are ours. A line
 * that can't be written (disk full) goes to the reserve, `held.reserve`, is reported once, and the
 * whole book is written anew as soon as that works.
 */
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { open, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeLine, encodeLine, type HeldLine } from './held-line.ts';
import { HeldReserve } from './held-reserve.ts';
import type { HeldRecord } from './item.ts';
import { reasonOf } from './log.ts';

const NAME = 'held.ndjson';
/** Free space for each record that a new file needs, generously. */
const RECORD_BYTES = 1024;
/** Lines beyond the records themselves before the file is written anew. */
const SLACK = 2000;
/** Records in one write of a compaction: well under a millisecond each. */
const SLICE = 100;

export interface HeldBookParts {
  readonly stateDir: string;
  /** What went wrong or right again, a sentence. */
  readonly onTrouble: (text: string) => void;
}

export class HeldBook {
  readonly #parts: HeldBookParts;
  readonly #path: string;
  readonly #records = new Map<string, HeldRecord>();
  #fd: number;
  #lines = 0;
  /** Lines that came while the file is being written anew: they belong to both. */
  #meanwhile: string[] | undefined;
  #behind = false;
  /** The reserve is used up. */
  #isLosing = false;
  readonly #reserve: HeldReserve;

  /**
   * Reads what is there. Throws an Error that names the path when the directory can't be used.
   * A torn or damaged line is counted and reported, the rest is read.
   */
  constructor(parts: HeldBookParts) {
    this.#parts = parts;
    this.#path = join(parts.stateDir, NAME);
    mkdirSync(parts.stateDir, { recursive: true, mode: 0o750 });
    let text = '';
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
    let damaged = 0;
    this.#reserve = new HeldReserve(parts.stateDir);
    // What is in the reserve came after the book's lines, and is not in the book.
    this.#behind = this.#reserve.text !== '';
    for (const line of [...text.split('\n'), ...this.#reserve.text.split('\n')]) {
      if (line === '') continue;
      this.#lines++;
      const decoded = decodeLine(line);
      if (decoded === undefined) damaged++;
      else this.#apply(decoded);
    }
    if (damaged > 0) {
      parts.onTrouble(`${this.#path}: ${damaged} damaged line(s) left out; the mail queue decides`);
    }
    this.#fd = openSync(this.#path, 'a', 0o640);
    // A torn last line must not swallow the next one.
    if (text !== '' && !text.endsWith('\n')) this.#append('\n');
  }

  get size(): number {
    return this.#records.size;
  }

  get(queueId: string): HeldRecord | undefined {
    return this.#records.get(queueId);
  }

  records(): IterableIterator<HeldRecord> {
    return this.#records.values();
  }

  /** Written when this returns, unless the disk refuses. */
  put(record: HeldRecord): void {
    this.#write({ op: 'held', ...record });
  }

  drop(queueId: string): void {
    if (this.#records.has(queueId)) this.#write({ op: 'gone', queueId });
  }

  /** Writes the file anew when it has grown, or when lines are missing. To be called now and then. */
  async tidy(): Promise<void> {
    const grown = this.#lines > 2 * this.#records.size + SLACK;
    if (this.#meanwhile !== undefined || (!grown && !this.#behind)) return;
    this.#meanwhile = [];
    try {
      if (this.#behind) await this.#needSpace();
      await this.#rewrite();
    } catch (error) {
      this.#missed(error);
      await rm(`${this.#path}.new`, { force: true }).catch(() => undefined);
    } finally {
      this.#meanwhile = undefined;
    }
  }

  close(): void {
    closeSync(this.#fd);
    this.#reserve.close();
  }

  /** A file that can't be finished would take the last blocks from the mail. */
  async #needSpace(): Promise<void> {
    const { bavail, bsize } = await statfs(this.#parts.stateDir);
    if (bavail * bsize < RECORD_BYTES * (this.#records.size + 1)) throw new Error('no space left');
  }

  async #rewrite(): Promise<void> {
    const next = `${this.#path}.new`;
    const file = await open(next, 'w', 0o640);
    try {
      const records = [...this.#records.values()];
      for (let from = 0; from < records.length; from += SLICE) {
        const slice = records.slice(from, from + SLICE);
        await file.write(slice.map((record) => encodeLine({ op: 'held', ...record })).join(''));
      }
      await file.sync();
    } finally {
      await file.close();
    }
    const fd = openSync(next, 'a');
    try {
      // Nothing is awaited from here on, so that no line can come between.
      const lines = this.#meanwhile ?? [];
      writeSync(fd, lines.join(''));
      renameSync(next, this.#path);
      this.#lines = this.#records.size + lines.length;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    closeSync(this.#fd);
    this.#fd = fd;
    // From here on each line is written by itself again: one that comes now must not be left out.
    this.#meanwhile = undefined;
    if (this.#behind) this.#parts.onTrouble(`${this.#path} can be written again`);
    this.#behind = false;
    this.#isLosing = false;
    this.#reserve.clear();
  }

  #apply(line: HeldLine): void {
    if (line.op === 'gone') {
      this.#records.delete(line.queueId);
      return;
    }
    const { op: _op, ...record } = line;
    this.#records.set(line.queueId, record);
  }

  #write(line: HeldLine): void {
    this.#apply(line);
    const text = encodeLine(line);
    this.#lines++;
    this.#meanwhile?.push(text);
    if (this.#behind || !this.#append(text)) this.#setAside(text);
  }

  #append(text: string): boolean {
    try {
      const written = writeSync(this.#fd, text);
      if (written === Buffer.byteLength(text)) return true;
      throw new Error('the disk took only a part of the line');
    } catch (error) {
      this.#missed(error);
      return false;
    }
  }

  #setAside(text: string): void {
    if (this.#reserve.append(text) || this.#isLosing) return;
    this.#isLosing = true;
    this.#parts.onTrouble(
      `${this.#path}: the reserve is used up: what is held is kept in memory only; after a crash ` +
        'the Postfix log decides what is ours',
    );
  }

  #missed(error: unknown): void {
    if (!this.#behind) {
      this.#parts.onTrouble(
        `${this.#path} can't be written (${reasonOf(error)}): what is held is written to the ` +
          'reserve beside it until it can',
      );
    }
    this.#behind = true;
  }
}
