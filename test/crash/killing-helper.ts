/** A postsuper that kills postpace once, at a chosen step of its work. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Scene } from '../live/scene.ts';

export type Step = 'before' | 'after' | 'answering';

// $1: the file that arms it, gone after the first use; the rest is the command. Its standard error
// is what postpace reads.
const SCRIPTS: Record<Step, string> = {
  before: 'read -r id; kill -9 $PPID',
  after: 'read -r id; echo "$id" | "$@" 2>/dev/null; kill -9 $PPID',
  answering: 'read -r id; echo "$id" | "$@"; kill -9 $PPID',
};

/** The argv of a helper that does its work as `argv` does, but for the one time it kills. */
export async function killingHelper(
  { postfix }: Scene,
  step: Step,
  argv: readonly string[],
): Promise<readonly string[]> {
  const armed = join(postfix.directory, 'armed');
  await writeFile(armed, '');
  const script = `armed=$1; shift; if rm "$armed" 2>/dev/null; then ${SCRIPTS[step]}; exit; fi; exec "$@"`;
  return ['sh', '-c', script, 'helper', armed, ...argv];
}
