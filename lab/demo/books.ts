/** What came of the burst: delivered, lost, duplicated, and whether each limit was kept. */
import { account, fullestWindow, overruns, type Promised } from '../ledger.ts';
import type { Delivery, Sink } from '../sink.ts';
import type { Admissions } from './admissions.ts';
import { CAST, type Role } from './cast.ts';
import type { Stage } from './stage.ts';

export interface ProviderBooks {
  readonly role: Role;
  readonly delivered: number;
  /** Refusals, retries counted again. */
  readonly refused: number;
  /** The most that arrived in any window, that were let go, and that were promised. */
  readonly most: number;
  readonly admitted: number;
  readonly promised: number;
  /** How much longer the slowest delivery took than the fastest. */
  readonly spreadMs: number;
  /** Sentences; none: every window was kept. Empty too where nobody kept a limit. */
  readonly overruns: readonly string[];
}

export interface Books {
  /** Mails that the application handed over, and those it was refused. */
  readonly accepted: number;
  readonly refusedToApplication: number;
  readonly delivered: number;
  readonly lost: number;
  readonly duplicated: number;
  /** Mails in the sender's mailbox that say a delivery failed. */
  readonly bounces: number;
  readonly providers: readonly ProviderBooks[];
  readonly good: boolean;
}

export function closeBooks(
  stage: Stage,
  admissions: Admissions | undefined,
  bounces: number,
): Books {
  const deliveries = [...stage.sinks.values()].flatMap((sink) => sink.deliveries);
  const { accepted, refused, delivered, lost, duplicated } = account(stage.sent, deliveries);
  const providers = CAST.map((role) => {
    const sink = stage.sinks.get(role.id);
    return providerBooks(role, stage, sink, admissions);
  });
  const kept = providers.every((provider) => provider.overruns.length === 0);
  return {
    accepted,
    refusedToApplication: refused,
    delivered,
    lost: lost.length,
    duplicated: duplicated.length,
    bounces,
    providers,
    good: refused + lost.length + duplicated.length === 0 && kept,
  };
}

function providerBooks(
  role: Role,
  stage: Stage,
  sink: Sink | undefined,
  admissions: Admissions | undefined,
): ProviderBooks {
  const { windowMs } = stage;
  const deliveries = sink?.deliveries ?? [];
  const arrivals = deliveries.map(({ mailAtMs }) => mailAtMs);
  const { perMinute, burst } = role;
  const admitted = admissions?.of(role.id) ?? new Map<string, number>();
  const spreadMs = spread(deliveries, queueIds(stage), admitted);
  return {
    role,
    delivered: deliveries.length,
    refused: sink?.refusals.length ?? 0,
    most: fullestWindow(arrivals, windowMs).count,
    admitted: fullestWindow([...admitted.values()], windowMs).count,
    promised: perMinute + burst - 1,
    spreadMs,
    overruns: admissions === undefined ? [] : judge(role, windowMs, arrivals, admitted, spreadMs),
  };
}

function queueIds(stage: Stage): ReadonlyMap<string, string> {
  return new Map(stage.sent.map(({ serial, queueId = '' }) => [serial, queueId]));
}

function spread(
  deliveries: readonly Delivery[],
  ids: ReadonlyMap<string, string>,
  admitted: ReadonlyMap<string, number>,
): number {
  const delays = deliveries.flatMap(({ serial, mailAtMs }) => {
    const atMs = admitted.get(ids.get(serial) ?? '');
    return atMs === undefined ? [] : [mailAtMs - atMs];
  });
  return delays.length === 0 ? 0 : Math.max(...delays) - Math.min(...delays);
}

/**
 * The admissions must keep every window exactly. The arrivals must keep every window shortened by
 * the spread of the delivery delays; longer windows are judged too, since on a busy machine a
 * spread may leave nothing of the short one.
 */
function judge(
  { perMinute, burst }: Role,
  windowMs: number,
  arrivals: readonly number[],
  admitted: ReadonlyMap<string, number>,
  spreadMs: number,
): readonly string[] {
  const promises: readonly Promised[] = [1, 2, 5].map((times) => ({
    count: perMinute * times,
    windowMs: windowMs * times,
    burst,
  }));
  const judged = promises.filter((promise) => promise.windowMs > 2 * spreadMs);
  return [
    ...overruns([...admitted.values()], promises).map((text) => `let go: ${text}`),
    ...overruns(arrivals, judged, Math.ceil(spreadMs)).map((text) => `arrived: ${text}`),
  ];
}
