/** The directory that the journal lies in. */
import type { Disk } from './journal.ts';

/**
 * Makes it where it is missing, but not its parents: one that is missing is rather a typing error,
 * and a recursive mkdir never returns on a file system that refuses it with ENOENT (Node 20, /proc).
 */
export async function makeStateDir(path: string, disk: Disk): Promise<void> {
  try {
    await disk.mkdir(path, { mode: 0o750 });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}

/**
 * Whether a file of that size would find room: filling the last blocks over and over would take
 * them from the mail.
 */
export async function hasSpace(path: string, bytes: number, disk: Disk): Promise<boolean> {
  const { bavail, bsize } = await disk.statfs(path);
  return bavail * bsize >= Math.max(4096, bytes);
}

/** What a disk said, for a sentence about it. */
export function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
