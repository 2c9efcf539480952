/**
 * Room for records when the disk is full: a file beside the book, filled with blank lines while
 * there was space, and written over in place. A hold without a record would look like somebody
 * else's after a crash. Where a file system copies on write (btrfs, ZFS) this may fail as well.
 */
import { Buffer } from 'node:buffer';
import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Its name in state_dir. */
export const HELD_RESERVE = 'held.reserve';
/** Some three thousand records. */
const BYTES = 1 << 20;

export class HeldReserve {
  readonly #fd: number | undefined;
  #bytes = 0;
  #at = 0;
  /** What an earlier run left in it: lines that are not in the book. */
  readonly text: string = '';

  /** Never throws: without a reserve the book goes on, and says so when it matters. */
  constructor(stateDir: string) {
    const path = join(stateDir, HELD_RESERVE);
    try {
      this.#fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o640);
      const { size } = fstatSync(this.#fd);
      const found = Buffer.alloc(Math.min(size, BYTES));
      this.#bytes = readSync(this.#fd, found, 0, found.length, 0);
      // A torn line counts: what comes after it starts a new one.
      this.text = found.toString('utf8').trimEnd();
      this.#at = this.text === '' ? 0 : Math.min(this.#bytes, Buffer.byteLength(this.text) + 1);
      const blank = Buffer.alloc(BYTES - this.#bytes, '\n');
      this.#bytes += writeSync(this.#fd, blank, 0, blank.length, this.#bytes);
    } catch {
      // A full disk: what there is of it has to do.
    }
  }

  /** Whether the line is on disk. */
  append(line: string): boolean {
    const bytes = Buffer.from(line, 'utf8');
    if (this.#fd === undefined || this.#at + bytes.length > this.#bytes) return false;
    try {
      if (writeSync(this.#fd, bytes, 0, bytes.length, this.#at) < bytes.length) return false;
    } catch {
      return false;
    }
    this.#at += bytes.length;
    return true;
  }

  /** All of it is in the book now. */
  clear(): void {
    if (this.#fd === undefined || this.#at === 0) return;
    try {
      writeSync(this.#fd, Buffer.alloc(this.#at, '\n'), 0, this.#at, 0);
      this.#at = 0;
    } catch {
      // Old lines of it are applied once more then, and the mail queue puts them right.
    }
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
  }
}
