/** `postpace postfix configure` from end to end: read, plan, and apply where that is asked for. */
import { mergeChanges, type Change } from './change.ts';
import { applyChanges, copyStamp, readRecords, writeRecords } from './configure-apply.ts';
import { planConfigure, type ConfigurePlan } from './configure.ts';
import { expanded, readInstance, type Instance } from './instance.ts';
import { makeSocketDirectory, ourMilter, socketDirectory } from './socket-place.ts';
import { splitPort } from './split-pieces.ts';
import { stripOurs } from './unconfigure.ts';

export interface ConfigureOptions {
  readonly configDirectory: string;
  /** `unix:/path`, `inet:host:port`, `systemd`: as in the configuration. */
  readonly listen: string;
  readonly services?: readonly string[] | undefined;
  readonly split: boolean;
  /** Port of the second hop on loopback; undefined: the one in place, else the first free one. */
  readonly splitPort?: number | undefined;
  readonly apply: boolean;
  readonly nowMs: number;
}

export interface ConfigureOutcome extends ConfigurePlan {
  readonly applied: boolean;
  /** Paths of the copies of main.cf and master.cf. */
  readonly copies: readonly string[];
  /** Made for the socket. */
  readonly madeDirectory: string | undefined;
  readonly queueDirectory: string;
}

const FIRST_SPLIT_PORT = 10_029;

/** Rejects with an Error that says what postconf or the file system complained about. */
export async function configurePostfix(options: ConfigureOptions): Promise<ConfigureOutcome> {
  const { configDirectory, listen } = options;
  const instance = await readInstance(configDirectory);
  const queueDirectory = expanded(instance, 'queue_directory');
  const ours = ourMilter(listen, queueDirectory);
  const plan = planConfigure(instance, {
    ours,
    services: options.services,
    splitPort: options.split ? choosePort(instance, options.splitPort) : undefined,
  });
  const none = { applied: false, copies: [], madeDirectory: undefined, queueDirectory };
  if (!options.apply || plan.conflicts.length > 0) return { ...plan, ...none };

  const records = await readRecords(configDirectory);
  const directory = socketDirectory(listen, queueDirectory);
  const made =
    directory !== undefined &&
    (await makeSocketDirectory(directory, expanded(instance, 'mail_owner')));
  const madeDirectory = made ? directory : undefined;
  const copies =
    plan.changes.length === 0
      ? []
      : await applyChanges(configDirectory, plan.changes, copyStamp(options.nowMs));
  const kept = madeDirectory ?? records.madeDirectory;
  await writeRecords(configDirectory, {
    changes: mergeChanges(records.changes, plan.changes, (place, value) =>
      stripOurs(place, value, ours),
    ),
    ...(kept === undefined ? {} : { madeDirectory: kept }),
  });
  return { ...plan, applied: true, copies, madeDirectory, queueDirectory };
}

function choosePort(instance: Instance, wanted: number | undefined): number {
  if (wanted !== undefined) return wanted;
  const inPlace = splitPort(instance.services);
  if (inPlace !== undefined) return inPlace;
  let port = FIRST_SPLIT_PORT;
  const taken = (name: string) => name === String(port) || name.endsWith(`:${port}`);
  while (instance.services.some(({ name }) => taken(name))) port += 1;
  return port;
}

/** Whether any of the changes gives queued mail new names at the next reload. */
export function renamesQueue(changes: readonly Change[]): boolean {
  return changes.some(
    ({ place }) => place.kind === 'main' && place.name === 'enable_long_queue_ids',
  );
}
