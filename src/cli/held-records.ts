import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { decodeLine } from '../pace/held-line.ts';

/**
 * The daemon's held records, read without it: queue id -> whether the message was deferred before
 * it was held. No file: none. Damaged lines are passed over, as the daemon does.
 */
export async function readHeldRecords(stateDir: string): Promise<ReadonlyMap<string, boolean>> {
  const records = new Map<string, boolean>();
  let text: string;
  try {
    text = await readFile(join(stateDir, 'held.ndjson'), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return records;
    throw error;
  }
  for (const each of text.split('\n')) {
    const line = decodeLine(each);
    if (line?.op === 'held') records.set(line.queueId, line.wasDeferred);
    else if (line !== undefined) records.delete(line.queueId);
  }
  return records;
}
