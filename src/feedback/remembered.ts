/**
 * What is remembered across restarts: the last so many keys with a short text each, in one file of
 * the state directory, a line appended for each change. A line that a crash tore, or a disk refused,
 * is lost and the rest is read.
 */
import { readFileSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';

export interface RememberedParts {
  readonly path: string;
  /** The oldest is forgotten for the newest. */
  readonly most: number;
  /** A sentence, once for each trouble with the disk. */
  readonly onTrouble: (text: string) => void;
}

/** Lines beyond twice the keys before the file is written anew. */
const SLACK = 1000;
const SLICE = 500;

export class Remembered {
  readonly #parts: RememberedParts;
  readonly #values = new Map<string, string>();
  /** Goes on from the last that was forgotten: from the head it would pass all that are gone. */
  readonly #oldest = this.#values.keys();
  #lines = 0;
  #owed: string[] = [];
  #writing: Promise<void> = Promise.resolve();
  #isBehind = false;

  /** Reads what is there. Throws an Error that names the path where it can't be read. */
  constructor(parts: RememberedParts) {
    this.#parts = parts;
    const text = read(parts.path);
    // What comes next must not become part of it.
    if (text !== '' && !text.endsWith('\n')) this.#owed.push('\n');
    for (const line of text.split('\n')) {
      const tab = line.indexOf('\t');
      const end = line.lastIndexOf('\t');
      // The closing tab says that the line is whole.
      if (tab <= 0 || end !== line.length - 1 || end === tab) continue;
      this.#put(line.slice(0, tab), line.slice(tab + 1, end));
      this.#lines += 1;
    }
  }

  get size(): number {
    return this.#values.size;
  }

  get(key: string): string | undefined {
    return this.#values.get(key);
  }

  /** On disk with the next flush. Neither holds tabs or line ends: those become blanks. */
  set(key: string, value: string): void {
    const [k, v] = [plain(key), plain(value)];
    if (this.#values.get(k) === v) return;
    this.#put(k, v);
    this.#owed.push(`${k}\t${v}\t\n`);
  }

  /** Settles when what was set is on disk, or the disk has refused it. */
  flush(): Promise<void> {
    if (this.#owed.length > 0) this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  #put(key: string, value: string): void {
    this.#values.delete(key);
    this.#values.set(key, value);
    if (this.#values.size <= this.#parts.most) return;
    const oldest = this.#oldest.next();
    if (oldest.done !== true) this.#values.delete(oldest.value);
  }

  async #write(): Promise<void> {
    const owed = this.#owed;
    this.#owed = [];
    if (owed.length === 0) return;
    try {
      if (this.#isBehind || this.#lines + owed.length > 2 * this.#values.size + SLACK) {
        await this.#rewrite();
      } else {
        await this.#append(this.#parts.path, 'a', owed, (line) => line);
        this.#lines += owed.length;
      }
      this.#isBehind = false;
    } catch (error) {
      if (!this.#isBehind)
        this.#parts.onTrouble(`${this.#parts.path} can't be written: ${words(error)}`);
      this.#isBehind = true;
    }
  }

  async #rewrite(): Promise<void> {
    const next = `${this.#parts.path}.new`;
    // What is set meanwhile is owed as well, and appended afterwards.
    const keys = [...this.#values.keys()];
    try {
      await this.#append(next, 'w', keys, (key) => this.#line(key));
      await rename(next, this.#parts.path);
    } catch (error) {
      await rm(next, { force: true }).catch(() => undefined);
      throw error;
    }
    this.#lines = keys.length;
  }

  /** '' when it was forgotten meanwhile. */
  #line(key: string): string {
    const value = this.#values.get(key);
    return value === undefined ? '' : `${key}\t${value}\t\n`;
  }

  async #append(
    path: string,
    flags: 'a' | 'w',
    all: readonly string[],
    lineOf: (one: string) => string,
  ): Promise<void> {
    const file = await open(path, flags, 0o640);
    try {
      for (let at = 0; at < all.length; at += SLICE) {
        const lines = all.slice(at, at + SLICE).map((one) => lineOf(one));
        // All of it or an error: a disk that is filling up takes a part.
        await file.writeFile(lines.join(''));
        await setImmediate();
      }
    } finally {
      await file.close();
    }
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}

function plain(text: string): string {
  return text.replaceAll(/[\t\r\n]/g, ' ');
}

function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
