/**
 * Makes changes through postconf, all or none: main.cf and master.cf are copied before, and put
 * back when a command fails. What was changed is recorded beside them, for unconfigure.
 */
import { copyFile, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { postconfCommands, type Change, type Place } from './change.ts';
import { runCommand } from './command.ts';

const FILES = ['main.cf', 'master.cf'];

export interface Records {
  readonly changes: readonly Change[];
  /** The directory of the socket, where configure made it. */
  readonly madeDirectory?: string;
}

const RECORDS = 'postpace-changes.json';

export function recordsPath(configDirectory: string, file = RECORDS): string {
  return join(configDirectory, file);
}

/** What earlier runs of configure did. Rejects with an Error when the file can't be understood. */
export async function readRecords(configDirectory: string, file = RECORDS): Promise<Records> {
  const path = recordsPath(configDirectory, file);
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return { changes: [] };
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch (error) {
    throw new Error(`${path} is not JSON; move it away to go on without it`, { cause: error });
  }
  if (!isRecords(found)) throw new Error(`${path} is not a record of changes; move it away`);
  return found;
}

function isRecords(found: unknown): found is Records {
  if (typeof found !== 'object' || found === null || !('changes' in found)) return false;
  const { changes } = found;
  return Array.isArray(changes) && changes.every((each) => isPlace(each?.place));
}

function isPlace(found: unknown): found is Place {
  if (typeof found !== 'object' || found === null || !('kind' in found)) return false;
  return found.kind === 'main' ? 'name' in found : found.kind === 'service' && 'id' in found;
}

/** No changes: the file goes. */
export async function writeRecords(
  configDirectory: string,
  records: Records,
  file = RECORDS,
): Promise<void> {
  const path = recordsPath(configDirectory, file);
  if (records.changes.length === 0) {
    await rm(path, { force: true });
    return;
  }
  await writeFile(`${path}.new`, `${JSON.stringify(records, null, 2)}\n`, { mode: 0o644 });
  await rename(`${path}.new`, path);
}

/**
 * `stamp` names the copies: `main.cf.postpace-STAMP`. Resolves with their paths; rejects with an
 * Error that says what failed, main.cf and master.cf then being as they were.
 */
export async function applyChanges(
  configDirectory: string,
  changes: readonly Change[],
  stamp: string,
): Promise<readonly string[]> {
  const pairs = FILES.map((name) => {
    const path = join(configDirectory, name);
    return { path, copy: `${path}.postpace-${stamp}` };
  });
  await Promise.all(pairs.map(({ path, copy }) => copyFile(path, copy)));
  try {
    for (const argv of postconfCommands(configDirectory, changes)) {
      // postconf rewrites the whole file: one after the other.
      await runCommand(argv);
    }
  } catch (error) {
    await Promise.all(pairs.map(({ path, copy }) => copyFile(copy, path)));
    throw error;
  }
  return pairs.map(({ copy }) => copy);
}

/** `20261124T050000Z` */
export function copyStamp(nowMs: number): string {
  return new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d+/g, '');
}

/** false: this Postfix is not running; it reads its files when it starts. */
export function reloadPostfix(configDirectory: string): Promise<boolean> {
  return runCommand(['postfix', '-c', configDirectory, 'reload']).then(
    () => true,
    () => false,
  );
}
