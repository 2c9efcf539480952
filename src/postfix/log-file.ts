/**
 * One log file, open: it is read on through renames and removal, and recognised by its inode and by
 * the bytes before a position.
 */
import { open, readdir, stat, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { FINGERPRINT_BYTES, fingerprint, LineCutter } from './line-cutter.ts';

/** Small enough that the lines of one slice are dealt with in a few milliseconds. */
export const SLICE_BYTES = 8 * 1024;
/** The unfinished line at the end is shorter than this. */
const LAST_LINE_BYTES = 64 * 1024;
const NEWLINE = 10;
const COMPRESSED = /\.(?:gz|bz2|xz|zst|lz4)$/;

/** A place in a log file, as it can be found again. */
export interface FilePosition {
  readonly inode: number;
  /** Bytes before it have been read. */
  readonly offset: number;
  /** Fingerprint of the bytes before it. */
  readonly check: number;
}

export class LogFile {
  readonly inode: number;
  cutter: LineCutter;
  readonly #handle: FileHandle;
  readonly #slice = Buffer.allocUnsafe(SLICE_BYTES);

  constructor(handle: FileHandle, inode: number, cutter: LineCutter) {
    this.#handle = handle;
    this.inode = inode;
    this.cutter = cutter;
  }

  /** Opens it to be read from `offset`, or from the next line where that is in one. */
  static async open(path: string, offset: number): Promise<LogFile> {
    const handle = await open(path, 'r');
    try {
      const before = await readBefore(handle, offset);
      const { ino } = await handle.stat();
      const isLineEnd = offset === 0 || before.at(-1) === NEWLINE;
      return new LogFile(handle, ino, new LineCutter(offset, before, isLineEnd));
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** The next slice; empty at the end of the file. Valid until the next call. */
  async read(): Promise<Buffer> {
    const { bytesRead } = await this.#handle.read(this.#slice, 0, SLICE_BYTES, this.cutter.next);
    return this.#slice.subarray(0, bytesRead);
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  /** Whether what was read is still there: false after a truncation, filled up again or not. */
  async intact(): Promise<boolean> {
    const before = await readBefore(this.#handle, this.cutter.offset);
    return fingerprint(before) === this.cutter.check && (await this.size()) >= this.cutter.next;
  }

  /** Begins again at the head of the file. */
  rewind(): void {
    this.cutter = new LineCutter(0, Buffer.alloc(0));
  }

  position(end: number, check: number): FilePosition {
    return { inode: this.inode, offset: end, check };
  }

  /** The end of the last whole line in the first `size` bytes. */
  async lastLine(size: number): Promise<FilePosition> {
    const from = Math.max(0, size - LAST_LINE_BYTES);
    const buffer = Buffer.alloc(size - from);
    const { bytesRead } = await this.#handle.read(buffer, 0, buffer.length, from);
    const offset = from + buffer.subarray(0, bytesRead).lastIndexOf(NEWLINE) + 1;
    return this.position(offset, fingerprint(await readBefore(this.#handle, offset)));
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

async function readBefore(handle: FileHandle, offset: number): Promise<Buffer> {
  const length = Math.min(offset, FINGERPRINT_BYTES);
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await handle.read(buffer, 0, length, offset - length);
  return buffer.subarray(0, bytesRead);
}

export interface Rotated {
  readonly path: string;
  readonly inode: number;
  readonly size: number;
  readonly mtimeMs: number;
}

/** The log file and its predecessors that are not compressed, the oldest first. */
export async function generations(path: string): Promise<readonly Rotated[]> {
  const base = basename(path);
  // A directory that lets nobody list it may let the log itself be read.
  const names = new Set([base, ...(await readdir(dirname(path)).catch(() => []))]);
  const ours = [...names].filter(
    (name) =>
      name === base ||
      ((name.startsWith(`${base}.`) || name.startsWith(`${base}-`)) && !COMPRESSED.test(name)),
  );
  const found = await Promise.all(
    ours.map(async (name): Promise<Rotated[]> => {
      const at = join(dirname(path), name);
      const stats = await stat(at).catch(() => undefined);
      if (stats === undefined || !stats.isFile()) return [];
      return [{ path: at, inode: stats.ino, size: stats.size, mtimeMs: stats.mtimeMs }];
    }),
  );
  // The file itself is the youngest, whatever its time says.
  return found
    .flat()
    .toSorted((a, b) => (a.path === path ? 1 : b.path === path ? -1 : a.mtimeMs - b.mtimeMs));
}

/** Whether the file has the bytes before the position; at its head, where none are, is the file. */
export async function holds(path: string, position: FilePosition): Promise<boolean> {
  const handle = await open(path, 'r').catch(() => undefined);
  if (handle === undefined) return false;
  try {
    const { size, ino } = await handle.stat();
    if (size < position.offset || (position.offset === 0 && ino !== position.inode)) return false;
    return fingerprint(await readBefore(handle, position.offset)) === position.check;
  } finally {
    await handle.close();
  }
}
