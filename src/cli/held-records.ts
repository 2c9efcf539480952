import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { decodeLine } from '../pace/held-line.ts';
import { HELD_RESERVE } from '../pace/held-reserve.ts';

/**
 * The daemon's held records, read without it: queue id -> whether the message was deferred before
 * it was held. No file: none. Damaged lines are passed over, as the daemon does.
 */
export async function readHeldRecords(stateDir: string): Promise<ReadonlyMap<string, boolean>> {
  const records = new Map<string, boolean>();
  for (const name of ['held.ndjson', HELD_RESERVE]) {
    for (const each of (await textOf(join(stateDir, name))).split('\n')) {
      const line = decodeLine(each);
      if (line?.op === 'held') records.set(line.queueId, line.wasDeferred);
      else if (line !== undefined) records.delete(line.queueId);
    }
  }
  return records;
}

/** '' for a file that is not there. */
async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}
