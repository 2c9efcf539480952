/** Where the log was read to, on disk. */
import { join } from 'node:path';
import { z } from 'zod';
import type { LogCursor } from '../postfix/follow.ts';
import { readStateFile, writeStateFile } from './state-file.ts';

const NAME = 'log-position.json';

const logCursor = z.union([
  z.object({
    kind: z.literal('file'),
    path: z.string(),
    inode: z.number(),
    offset: z.number(),
    check: z.number(),
    atMs: z.number(),
  }),
  z.object({ kind: z.literal('journal'), cursor: z.string(), atMs: z.number() }),
]);

export class LogPosition {
  readonly #path: string;
  #saved: LogCursor | undefined;
  #saving: Promise<void> = Promise.resolve();

  constructor(stateDir: string) {
    this.#path = join(stateDir, NAME);
  }

  /** undefined: there is none, or none that can be read (told to `onTrouble`). */
  read(onTrouble: (text: string) => void): Promise<LogCursor | undefined> {
    return readStateFile(this.#path, logCursor, 'log position', onTrouble);
  }

  /** Settles when it is on disk, or was refused: the next call tries again then. */
  save(cursor: LogCursor | undefined): Promise<void> {
    if (cursor === undefined || cursor === this.#saved) return this.#saving;
    this.#saved = cursor;
    this.#saving = this.#write(this.#saving, cursor);
    return this.#saving;
  }

  async #write(before: Promise<void>, cursor: LogCursor): Promise<void> {
    await before;
    try {
      await writeStateFile(this.#path, cursor);
    } catch {
      // A full disk is reported by the books.
      this.#saved = undefined;
    }
  }
}
