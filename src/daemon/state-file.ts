/** A small JSON file of the state directory, written beside and renamed, so that it is never torn. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import type { z } from 'zod';
import { reasonOf } from '../pace/log.ts';

/**
 * undefined: there is none, or none that can be read, which `onTrouble` is told: `PATH is no WHAT: …`.
 */
export async function readStateFile<T>(
  path: string,
  schema: z.ZodType<T>,
  what: string,
  onTrouble: (text: string) => void,
): Promise<T | undefined> {
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (!isMissing) onTrouble(`${path} is no ${what}: ${reasonOf(error)}`);
    return undefined;
  }
}

/** Rejects with what the disk has against it. */
export async function writeStateFile(path: string, value: unknown): Promise<void> {
  await writeFile(`${path}.new`, JSON.stringify(value), { mode: 0o640 });
  await rename(`${path}.new`, path);
}
