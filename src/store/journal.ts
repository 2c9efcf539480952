/**
 * The journal as a file: replayed once, appended to, replaced whole. Knows nothing of what the
 * lines mean but the stop mark.
 */
import { Buffer } from 'node:buffer';
import type { FileHandle } from 'node:fs/promises';
import type * as fsPromises from 'node:fs/promises';
import { decodeLine } from './line.ts';
import type { Line } from './line.ts';

/** The file operations in use; tests make them fail. */
export type Disk = Pick<typeof fsPromises, 'open' | 'rename' | 'mkdir' | 'rm' | 'statfs'>;

export interface Recovery {
  /** The file was there before. */
  readonly existed: boolean;
  /** Its last line was a stop mark and nothing was damaged. */
  readonly clean: boolean;
  /** Lines, or torn pieces of them, that were left out. */
  readonly dropped: number;
  /** The latest time the file speaks of; 0: none. */
  readonly lastUs: number;
}

const READ_BYTES = 1 << 16;
const LONGEST_LINE_BYTES = 1 << 22;
const NEWLINE = 0x0a;
const MODE = 0o600;

export class Journal {
  readonly path: string;
  readonly #disk: Disk;
  #file: FileHandle;
  /** Where the next line goes. What a failed write left beyond it is overwritten or cut off. */
  #size = 0;

  private constructor(path: string, disk: Disk, file: FileHandle) {
    this.path = path;
    this.#disk = disk;
    this.#file = file;
  }

  /**
   * Opens or creates the file and hands each whole line to `apply`, oldest first. The stop mark is
   * taken away, so that whatever happens from here on is an unclean stop until there is a new one.
   * Rejects with the file system's error.
   */
  static async open(
    path: string,
    disk: Disk,
    apply: (line: Line) => void,
  ): Promise<{ readonly journal: Journal; readonly recovery: Recovery }> {
    const { file, existed } = await opened(path, disk);
    const journal = new Journal(path, disk, file);
    try {
      await file.chmod(MODE);
      const recovery = await journal.#replay(apply);
      return { journal, recovery: { ...recovery, existed } };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  get sizeBytes(): number {
    return this.#size;
  }

  async append(text: string): Promise<void> {
    this.#size += await writeWhole(this.#file, text, this.#size);
  }

  async sync(): Promise<void> {
    await this.#file.datasync();
  }

  /** A new file beside the old one, to take its place when it is whole. */
  async draft(): Promise<Draft> {
    const path = `${this.path}.new`;
    const file = await this.#disk.open(path, 'w', MODE);
    let size = 0;
    return {
      append: async (text) => {
        size += await writeWhole(file, text, size);
      },
      install: async () => {
        await file.datasync();
        await this.#disk.rename(path, this.path);
        const old = this.#file;
        this.#file = file;
        this.#size = size;
        await old.close();
      },
      discard: async () => {
        await file.close();
        await this.#disk.rm(path, { force: true });
      },
    };
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #replay(apply: (line: Line) => void): Promise<Omit<Recovery, 'existed'>> {
    let dropped = 0;
    let lastUs = 0;
    let stopAt: number | undefined;
    let startOfLine = 0;
    for await (const bytes of linesOf(this.#file)) {
      const line = bytes.whole ? decodeLine(bytes.text) : undefined;
      stopAt = undefined;
      if (line === undefined) dropped += 1;
      else {
        if (line[0] === 'time' || line[0] === 'stop') lastUs = Math.max(lastUs, line[1]);
        if (line[0] === 'stop') stopAt = startOfLine;
        apply(line);
      }
      // A torn end is written over: its piece would spoil the line that comes after it.
      if (bytes.ended) startOfLine += bytes.size;
    }
    this.#size = stopAt ?? startOfLine;
    await this.#file.truncate(this.#size);
    return { clean: stopAt !== undefined && dropped === 0, dropped, lastUs };
  }
}

export interface Draft {
  append(text: string): Promise<void>;
  install(): Promise<void>;
  discard(): Promise<void>;
}

interface RawLine {
  readonly text: string;
  /** Bytes in the file, the newline included. */
  readonly size: number;
  /** It has its newline. */
  readonly ended: boolean;
  /** Ended, and not longer than any line of ours. */
  readonly whole: boolean;
}

async function* linesOf(file: FileHandle): AsyncGenerator<RawLine> {
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  let parts: Buffer[] = [];
  let size = 0;
  const line = (ended: boolean): RawLine => {
    const whole = ended && size <= LONGEST_LINE_BYTES;
    const text = whole ? Buffer.concat(parts).toString('utf8') : '';
    const raw = { text, size: size + (ended ? 1 : 0), ended, whole };
    parts = [];
    size = 0;
    return raw;
  };
  for (let position = 0; ;) {
    const { bytesRead } = await file.read(buffer, 0, READ_BYTES, position);
    if (bytesRead === 0) break;
    position += bytesRead;
    let from = 0;
    while (from < bytesRead) {
      const end = buffer.subarray(0, bytesRead).indexOf(NEWLINE, from);
      const to = end === -1 ? bytesRead : end;
      size += to - from;
      if (size <= LONGEST_LINE_BYTES) parts.push(Buffer.from(buffer.subarray(from, to)));
      else parts = [];
      if (end !== -1) yield line(true);
      from = to + 1;
    }
  }
  if (size > 0) yield line(false);
}

async function opened(
  path: string,
  disk: Disk,
): Promise<{ readonly file: FileHandle; readonly existed: boolean }> {
  try {
    return { file: await disk.open(path, 'r+'), existed: true };
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    return { file: await disk.open(path, 'wx+', MODE), existed: false };
  }
}

async function writeWhole(file: FileHandle, text: string, position: number): Promise<number> {
  const bytes = Buffer.from(text, 'utf8');
  let written = 0;
  while (written < bytes.length) {
    const { bytesWritten } = await file.write(
      bytes,
      written,
      bytes.length - written,
      position + written,
    );
    written += bytesWritten;
  }
  return written;
}
