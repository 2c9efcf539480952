/** `postpace postfix unconfigure` from end to end; works without the daemon. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Change } from './change.ts';
import { runCommand } from './command.ts';
import { applyChanges, copyStamp, readRecords, writeRecords } from './configure-apply.ts';
import { expanded, readInstance } from './instance.ts';
import { heldMail, releaseHeld, type HeldOutcome, type OurHolds } from './release-held.ts';
import { ourMilter, removeSocketDirectory } from './socket-place.ts';
import { onTheirWay } from './split-drain.ts';
import { planUnconfigure } from './unconfigure.ts';

export interface UnconfigureOptions {
  readonly configDirectory: string;
  readonly listen: string;
  /** Reads the held records as they are now. */
  readonly records: () => Promise<OurHolds>;
  readonly apply: boolean;
  readonly nowMs: number;
}

export interface UnconfigureOutcome {
  readonly changes: readonly Change[];
  readonly applied: boolean;
  readonly copies: readonly string[];
  /** Before it is applied: what would be released is in `released`. */
  readonly held: HeldOutcome;
  readonly reloaded: boolean;
  /** Queue ids on their way to the second hop: it stays until they have passed. */
  readonly onTheirWay: readonly string[];
}

/** How long mail on its way to the second hop is waited for, and how often it is looked for. */
const DRAIN = { tries: 20, everyMs: 500 };

/** Rejects with an Error that says what postconf, postsuper or the file system complained about. */
export async function unconfigurePostfix(options: UnconfigureOptions): Promise<UnconfigureOutcome> {
  const { configDirectory } = options;
  const instance = await readInstance(configDirectory);
  const queueDirectory = expanded(instance, 'queue_directory');
  const records = await readRecords(configDirectory);
  const ours = ourMilter(options.listen, queueDirectory);
  const { first, last } = planUnconfigure(instance, records.changes, ours);
  const changes = [...first, ...last];
  if (!options.apply) {
    const { ours: released, foreign } = await heldMail(configDirectory, await options.records());
    const held = { released, failed: [], foreign };
    return { changes, applied: false, copies: [], held, reloaded: false, onTheirWay: [] };
  }

  const stamp = copyStamp(options.nowMs);
  const copies = changes.length === 0 ? [] : await applyChanges(configDirectory, first, stamp);
  // Before the reload, which may give held files new names, and after it, for what came meanwhile.
  const early = await releaseHeld(configDirectory, queueDirectory, await options.records());
  const reloaded = await reload(configDirectory);
  const late = await releaseHeld(configDirectory, queueDirectory, await options.records());
  const held = { ...late, released: [...early.released, ...late.released] };
  const waiting = last.length === 0 ? [] : await drain(configDirectory);
  if (waiting.length === 0) {
    if (last.length > 0) await applyChanges(configDirectory, last, `${stamp}-hop`);
    if (last.length > 0 && reloaded) await reload(configDirectory);
    await writeRecords(configDirectory, { changes: [] });
    if (records.madeDirectory !== undefined) await removeSocketDirectory(records.madeDirectory);
  }
  return { changes, applied: true, copies, held, reloaded, onTheirWay: waiting };
}

/** false: this Postfix is not running. */
async function reload(configDirectory: string): Promise<boolean> {
  return runCommand(['postfix', '-c', configDirectory, 'reload']).then(
    () => true,
    () => false,
  );
}

async function drain(configDirectory: string): Promise<readonly string[]> {
  let waiting = await onTheirWay(configDirectory);
  for (const id of waiting) {
    // One that has left in the meantime makes postqueue fail.
    await runCommand(['postqueue', '-c', configDirectory, '-i', id]).catch(() => undefined);
  }
  for (let n = 1; waiting.length > 0 && n < DRAIN.tries; n += 1) {
    await sleep(DRAIN.everyMs);
    waiting = await onTheirWay(configDirectory);
  }
  return waiting;
}
