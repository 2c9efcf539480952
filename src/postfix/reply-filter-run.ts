/** `postpace postfix reply-filter` from end to end: read, plan, and apply where that is asked for. */
import { existsSync } from 'node:fs';
import { chown, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { mergeChanges } from './change.ts';
import {
  applyChanges,
  copyStamp,
  readRecords,
  reloadPostfix,
  writeRecords,
} from './configure-apply.ts';
import { readInstance, type Instance } from './instance.ts';
import { tableReader } from './lookup.ts';
import { splitMilters } from './milter-list.ts';
import {
  planReplyFilter,
  type FilteredProvider,
  type ReplyFilterPlan,
} from './reply-filter-plan.ts';
import { isReplyTable, REPLY_TABLE, replyTransport } from './reply-transport.ts';

export interface ReplyFilterOptions {
  readonly configDirectory: string;
  /** Which providers are to have a filter; undefined: those that have one, else `usual`. */
  readonly providers: readonly string[] | undefined;
  readonly usual: readonly string[];
  readonly domainsOf: (provider: string) => readonly string[];
  /** Where a provider's table is. */
  readonly pathOf: (provider: string) => string;
  /** The text of the table of a provider that is open. */
  readonly textOf: (provider: string) => string;
  readonly outboundTransports?: readonly string[] | undefined;
  readonly apply: boolean;
  readonly nowMs: number;
  /** The daemon has to know the new transports before Postfix uses them. */
  readonly reloadDaemon: () => Promise<boolean>;
}

export interface ReplyFilterOutcome extends ReplyFilterPlan {
  readonly applied: boolean;
  readonly providers: readonly string[];
  /** Where `table` comes. */
  readonly tablePath: string;
  readonly copies: readonly string[];
  /** undefined: not asked. */
  readonly daemonKnows: boolean | undefined;
}

/** Rejects with an Error that says what postconf or the file system complained about. */
export async function setUpReplyFilter(options: ReplyFilterOptions): Promise<ReplyFilterOutcome> {
  const { configDirectory, nowMs } = options;
  const instance = await readInstance(configDirectory);
  const names = options.providers ?? inPlace(instance) ?? options.usual;
  const providers = names.map((provider) => ({
    provider,
    domains: options.domainsOf(provider),
    path: options.pathOf(provider),
  }));
  const tablePath = join(configDirectory, REPLY_TABLE);
  const plan = planReplyFilter(instance, {
    providers,
    transportTable: tablePath,
    routed: await routes(instance, providers),
    outboundTransports: options.outboundTransports,
  });
  const shown = { ...plan, providers: names, tablePath, copies: [], daemonKnows: undefined };
  if (!options.apply || plan.conflicts.length > 0) return { ...shown, applied: false };

  const records = await readRecords(configDirectory);
  // The tables are there before anything names them: smtp(8) does not start without.
  for (const { provider, path } of providers) await lay(path, options.textOf(provider));
  const isNew = (await textOf(tablePath)) !== plan.table;
  if (isNew) await writeFile(tablePath, plan.table, { mode: 0o644 });
  if (plan.changes.length === 0) {
    if (isNew) await reloadPostfix(configDirectory);
    return { ...shown, applied: true };
  }
  const copies = await applyChanges(configDirectory, plan.changes, copyStamp(nowMs));
  const changes = mergeChanges(records.changes, plan.changes, (place, value) =>
    place.kind === 'service' ? undefined : value,
  );
  await writeRecords(configDirectory, { ...records, changes });
  const daemonKnows = await options.reloadDaemon();
  await reloadPostfix(configDirectory);
  return { ...shown, applied: true, copies, daemonKnows };
}

/** undefined: none has a filter. */
function inPlace(instance: Instance): readonly string[] | undefined {
  const found = instance.services.flatMap((service) => replyTransport(service)?.provider ?? []);
  return found.length === 0 ? undefined : found;
}

/** What the tables of transport_maps say without ours. A table that can't be read says nothing. */
async function routes(
  instance: Instance,
  providers: readonly FilteredProvider[],
): Promise<ReadonlyMap<string, string>> {
  const look = tableReader(instance.configDirectory);
  const keys = [...new Set(['*', ...providers.flatMap(({ domains }) => domains)])];
  const found = new Map<string, string>();
  const maps = splitMilters(instance.values.get('transport_maps') ?? '');
  for (const map of maps.filter((each) => !isReplyTable(each))) {
    for (const [key, value] of await look(map, keys)) {
      if (!found.has(key)) found.set(key, value);
    }
  }
  return found;
}

/** The daemon keeps it from then on; what it has written stays. */
async function lay(path: string, text: string): Promise<void> {
  if (existsSync(path)) return;
  const folder = dirname(path);
  const parent = dirname(folder);
  await mkdir(parent, { recursive: true });
  const { uid, gid } = await stat(parent);
  await mkdir(folder, { recursive: true, mode: 0o755 });
  await chown(folder, uid, gid);
  await writeFile(path, text, { mode: 0o644 });
  await chown(path, uid, gid);
}

async function textOf(path: string): Promise<string> {
  return existsSync(path) ? readFile(path, 'utf8') : '';
}

/** Files that nothing names once the transports are gone. */
export function replyFiles(instance: Instance): readonly string[] {
  const tables = instance.services.flatMap((service) => replyTransport(service)?.path ?? []);
  return tables.length === 0 ? [] : [join(instance.configDirectory, REPLY_TABLE), ...tables];
}
