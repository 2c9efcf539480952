/** Where the log was read to, on disk: written beside and renamed, so that it is never torn. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { reasonOf } from '../pace/log.ts';
import type { LogCursor } from '../postfix/follow.ts';

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
  async read(onTrouble: (text: string) => void): Promise<LogCursor | undefined> {
    try {
      return logCursor.parse(JSON.parse(await readFile(this.#path, 'utf8')));
    } catch (error) {
      const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
      if (!isMissing) onTrouble(`${this.#path} is no log position: ${reasonOf(error)}`);
      return undefined;
    }
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
      await writeFile(`${this.#path}.new`, JSON.stringify(cursor), { mode: 0o640 });
      await rename(`${this.#path}.new`, this.#path);
    } catch {
      // A full disk is reported by the books.
      this.#saved = undefined;
    }
  }
}
