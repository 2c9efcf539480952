/** How far the demo is, at one moment. */
import type { ProviderReport } from '../../src/control/api.ts';
import { nowMs } from '../wait.ts';
import { CAST, members, type Role } from './cast.ts';
import type { Stage } from './stage.ts';

export interface ProviderSnapshot {
  readonly role: Role;
  /** Members of the `@all` with a mailbox here. */
  readonly members: number;
  readonly sent: number;
  /** Refusals, retries counted again. */
  readonly refused: number;
  /** null: nobody holds. */
  readonly held: number | null;
  /** Arrivals in the last minute of the demo's time. */
  readonly rate: number;
  /** Milliseconds until the last one that is held leaves; null: none is, or not known. */
  readonly lastLeavesInMs: number | null;
}

export interface Snapshot {
  readonly elapsedMs: number;
  readonly mails: number;
  readonly accepted: number;
  readonly providers: readonly ProviderSnapshot[];
}

export async function snapshot(stage: Stage, startedAtMs: number): Promise<Snapshot> {
  const atMs = nowMs();
  const reports = new Map<string, ProviderReport>();
  const status = await stage.postpace?.control.status();
  for (const report of status?.providers ?? []) reports.set(report.provider, report);
  const totals = membersOf(stage.options.mails);
  return {
    elapsedMs: atMs - startedAtMs,
    mails: stage.options.mails,
    accepted: stage.sent.filter(({ code }) => code === 250).length,
    providers: CAST.map((role) => {
      const sink = stage.sinks.get(role.id);
      const deliveries = sink?.deliveries ?? [];
      const since = atMs - stage.windowMs;
      const report = reports.get(role.id);
      const last = report?.lastRelease ?? null;
      return {
        role,
        members: totals.get(role.id) ?? 0,
        sent: deliveries.length,
        refused: sink?.refusals.length ?? 0,
        held: stage.postpace === undefined ? null : (report?.held ?? 0),
        rate: deliveries.filter(({ mailAtMs }) => mailAtMs > since).length,
        lastLeavesInMs: last === null ? null : Math.max(0, last - atMs),
      };
    }),
  };
}

/** Role -> how many of the members are there. */
export function membersOf(mails: number): ReadonlyMap<string, number> {
  const all = members(mails);
  return new Map(
    CAST.map(({ id, domains }) => [
      id,
      all.filter((address) => domains.includes(address.split('@')[1] ?? '')).length,
    ]),
  );
}
