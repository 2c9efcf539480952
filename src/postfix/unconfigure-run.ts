/** `postpace postfix unconfigure` from end to end; works without the daemon. */
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Change } from './change.ts';
import { runCommand } from './command.ts';
import {
  applyChanges,
  copyStamp,
  readRecords,
  reloadPostfix,
  writeRecords,
} from './configure-apply.ts';
import { expanded, readInstance } from './instance.ts';
import { replyFiles } from './reply-filter-run.ts';
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
  /** How long mail on its way to the second hop is waited for; default 10 s. */
  readonly drainMs?: number;
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

const DRAIN_MS = 10_000;
const LOOK_EVERY_MS = 500;

/** Rejects with an Error that says what postconf, postsuper or the file system complained about. */
export async function unconfigurePostfix(options: UnconfigureOptions): Promise<UnconfigureOutcome> {
  const { configDirectory } = options;
  const instance = await readInstance(configDirectory);
  const queueDirectory = expanded(instance, 'queue_directory');
  const records = await readRecords(configDirectory);
  const ours = ourMilter(options.listen, queueDirectory);
  const { first, hop, last } = planUnconfigure(instance, records.changes, ours);
  const changes = [...first, ...hop, ...last];
  if (!options.apply) {
    const { ours: released, foreign } = await heldMail(configDirectory, await options.records());
    const held = { released, failed: [], foreign };
    return { changes, applied: false, copies: [], held, reloaded: false, onTheirWay: [] };
  }

  const stamp = copyStamp(options.nowMs);
  const copies = changes.length === 0 ? [] : await applyChanges(configDirectory, first, stamp);
  const reloaded = await reloadPostfix(configDirectory);
  const waiting = hop.length === 0 ? [] : await drain(configDirectory, options.drainMs ?? DRAIN_MS);
  const drained = waiting.length === 0;
  if (drained && hop.length > 0) {
    await applyChanges(configDirectory, hop, `${stamp}-hop`);
    if (reloaded) await reloadPostfix(configDirectory);
  }
  for (const file of replyFiles(instance)) await rm(file, { force: true });
  // After the reloads: one in the middle of many deliveries leaves some to be finished much later.
  const held = await releaseHeld(configDirectory, queueDirectory, await options.records());
  if (drained) {
    if (last.length > 0) await applyChanges(configDirectory, last, `${stamp}-ids`);
    await writeRecords(configDirectory, { changes: [] });
    if (records.madeDirectory !== undefined) await removeSocketDirectory(records.madeDirectory);
  }
  return { changes, applied: true, copies, held, reloaded, onTheirWay: waiting };
}

async function drain(configDirectory: string, longestMs: number): Promise<readonly string[]> {
  let waiting = await onTheirWay(configDirectory);
  for (const id of waiting) {
    // One that has left in the meantime makes postqueue fail.
    await runCommand(['postqueue', '-c', configDirectory, '-i', id]).catch(() => undefined);
  }
  for (let waitedMs = 0; waiting.length > 0 && waitedMs < longestMs; waitedMs += LOOK_EVERY_MS) {
    await sleep(LOOK_EVERY_MS);
    waiting = await onTheirWay(configDirectory);
  }
  return waiting;
}
