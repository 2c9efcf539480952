/** `postpace postfix gate` from end to end: read, plan, create, apply; and the way back. */
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Change } from './change.ts';
import { runCommand } from './command.ts';
import {
  applyChanges,
  copyStamp,
  readRecords,
  reloadPostfix,
  writeRecords,
} from './configure-apply.ts';
import { mergeChanges } from './change.ts';
import { type GateProvider, planGate } from './gate-plan.ts';
import { expanded, readInstance } from './instance.ts';
import { readPostfix } from './settings.ts';
import { makeSocketDirectory } from './socket-place.ts';
import { currentAt } from './unconfigure.ts';

export interface GateOptions {
  /** Of the instance that takes mail; postmulti knows /etc/postfix alone. */
  readonly firstDirectory: string;
  /** Of the gate: `/etc/postfix-gate`; its last part is the instance's name. */
  readonly secondDirectory: string;
  readonly providers: readonly GateProvider[];
  readonly port: number;
  readonly waitMs: number;
  readonly apply: boolean;
  readonly nowMs: number;
}

export interface GateOutcome {
  readonly applied: boolean;
  /** Commands of postmulti, in order: before the changes, and after them. */
  readonly before: readonly (readonly string[])[];
  readonly after: readonly (readonly string[])[];
  readonly first: readonly Change[];
  readonly second: readonly Change[];
  readonly tablePath: string;
  readonly table: string;
  readonly conflicts: readonly string[];
  readonly copies: readonly string[];
  /** The milter's socket, for postpace.yaml. */
  readonly socket: string;
}

const RECORDS = 'postpace-gate.json';
const MILTER = 'postpace/milter.sock';

/** Rejects with an Error that says what postconf or postmulti complained about. */
export async function setUpGate(options: GateOptions): Promise<GateOutcome> {
  const { firstDirectory, secondDirectory, nowMs } = options;
  const first = await readInstance(firstDirectory);
  const name = basename(secondDirectory);
  const queueDirectory = join(dirname(expanded(first, 'queue_directory')), name);
  const data = join(dirname(expanded(first, 'data_directory')), name);
  const dataDirectory = data === queueDirectory ? `${data}-data` : data;
  const tablePath = join(firstDirectory, 'postpace-gate-transport');
  const isThere = existsSync(join(secondDirectory, 'master.cf'));
  const request = {
    ...options,
    expanded: (await readPostfix(firstDirectory)).main,
    milter: `unix:${MILTER}`,
    queueDirectory,
    dataDirectory,
    tablePath,
  };
  const plan = planGate(first, isThere ? await readInstance(secondDirectory) : undefined, request);
  const before = isThere
    ? []
    : [
        ['postmulti', '-e', 'init'],
        ['postmulti', '-I', name, '-e', 'create', `config_directory=${secondDirectory}`].concat(
          `queue_directory=${queueDirectory}`,
          `data_directory=${dataDirectory}`,
        ),
      ];
  const after = [
    ['postmulti', '-i', name, '-e', 'enable'],
    ['postmulti', '-i', name, '-p', isThere ? 'reload' : 'start'],
  ];
  const socket = join(queueDirectory, MILTER);
  const shown = { ...plan, before, after, tablePath, socket };
  if (!options.apply || plan.conflicts.length > 0) return { ...shown, applied: false, copies: [] };

  const records = await readRecords(firstDirectory, RECORDS);
  for (const argv of before) await runCommand(argv);
  // Only now it is known what the new instance came with.
  const { second } = planGate(first, await readInstance(secondDirectory), request);
  const stamp = copyStamp(nowMs);
  const copies = [...(await applyChanges(secondDirectory, second, stamp))];
  await makeSocketDirectory(dirname(socket), expanded(first, 'mail_owner'));
  for (const argv of after) await runCommand(argv);
  // The gate is there before any mail is sent to it.
  await writeFile(tablePath, plan.table, { mode: 0o644 });
  copies.push(...(await applyChanges(firstDirectory, plan.first, stamp)));
  const changes = mergeChanges(records.changes, plan.first, () => undefined);
  await writeRecords(firstDirectory, { changes }, RECORDS);
  await reloadPostfix(firstDirectory);
  return { ...shown, second, applied: true, copies };
}

export interface RemovalOutcome {
  readonly applied: boolean;
  readonly first: readonly Change[];
  /** Places that somebody has changed since: left as they are. */
  readonly kept: readonly string[];
  /** Messages that are still in the gate; it stays until they have left. */
  readonly waiting: number;
  readonly copies: readonly string[];
}

/** Mail goes round the gate from then on; the gate itself goes once its queue is empty. */
export async function removeGate(
  options: Pick<GateOptions, 'firstDirectory' | 'secondDirectory' | 'apply' | 'nowMs'>,
): Promise<RemovalOutcome> {
  const { firstDirectory, secondDirectory, apply, nowMs } = options;
  const first = await readInstance(firstDirectory);
  const { changes: records } = await readRecords(firstDirectory, RECORDS);
  const undo: Change[] = [];
  const kept: string[] = [];
  for (const { place, before, after } of records) {
    const now = currentAt(first, place);
    if (now === after) undo.push({ place, before: after, after: before });
    else if (now !== before) kept.push(place.kind === 'main' ? place.name : place.id);
  }
  const isThere = existsSync(join(secondDirectory, 'master.cf'));
  const count = async (): Promise<number> =>
    isThere
      ? (await runCommand(['postqueue', '-c', secondDirectory, '-j'])).split('\n').length - 1
      : 0;
  if (!apply) {
    return { applied: false, first: undo, kept, waiting: await count(), copies: [] };
  }
  // The way back stays as long as the gate has mail: what it bounces takes it.
  const services = undo.filter(({ place }) => place.kind === 'service');
  const settings = undo.filter(({ place }) => place.kind === 'main');
  const stamp = copyStamp(nowMs);
  const copies =
    settings.length > 0 ? [...(await applyChanges(firstDirectory, settings, stamp))] : [];
  await reloadPostfix(firstDirectory);
  const waiting = await count();
  if (waiting > 0) return { applied: true, first: undo, kept, waiting, copies };
  const name = basename(secondDirectory);
  if (isThere) {
    await runCommand(['postmulti', '-i', name, '-p', 'stop']).catch(() => undefined);
    await runCommand(['postmulti', '-i', name, '-e', 'disable']);
    await runCommand(['postmulti', '-i', name, '-e', 'destroy']);
  }
  if (services.length > 0) {
    copies.push(...(await applyChanges(firstDirectory, services, `${stamp}-services`)));
    await reloadPostfix(firstDirectory);
  }
  await rm(join(firstDirectory, 'postpace-gate-transport'), { force: true });
  await writeRecords(firstDirectory, { changes: [] }, RECORDS);
  return { applied: true, first: undo, kept, waiting: 0, copies };
}
