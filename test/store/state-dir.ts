/** Private state directories, and what a kill leaves of one. */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { JOURNAL } from '../../src/store/keeper.ts';

export function newStateDir(t: Test): string {
  const dir = mkdtempSync(join(tmpdir(), 'postpace-store-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** A copy of the journal as it is on disk at this moment: what a process killed now leaves. */
export function killed(t: Test, stateDir: string): string {
  const dir = newStateDir(t);
  const path = join(stateDir, JOURNAL);
  if (existsSync(path)) copyFileSync(path, join(dir, JOURNAL));
  return dir;
}
