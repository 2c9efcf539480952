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
  /** The most in any window, and how many were promised. */
  readonly most: number;
  readonly promised: number;
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
  return {
    role,
    delivered: deliveries.length,
    refused: sink?.refusals.length ?? 0,
    most: fullestWindow(arrivals, windowMs).count,
    promised: perMinute + burst - 1,
    overruns:
      admissions === undefined
        ? []
        : judge(role, windowMs, deliveries, queueIds(stage), admissions.of(role.id)),
  };
}

function queueIds(stage: Stage): ReadonlyMap<string, string> {
  return new Map(stage.sent.map(({ serial, queueId = '' }) => [serial, queueId]));
}

/**
 * The admissions must keep every window exactly. The arrivals must keep every window shortened by
 * the spread of the delivery delays; a longer window is judged too, which a spread on a busy
 * machine leaves something of.
 */
function judge(
  { perMinute, burst }: Role,
  windowMs: number,
  deliveries: readonly Delivery[],
  ids: ReadonlyMap<string, string>,
  admitted: ReadonlyMap<string, number>,
): readonly string[] {
  const promises: readonly Promised[] = [1, 2, 5].map((times) => ({
    count: perMinute * times,
    windowMs: windowMs * times,
    burst,
  }));
  const delays = deliveries.flatMap(({ serial, mailAtMs }) => {
    const atMs = admitted.get(ids.get(serial) ?? '');
    return atMs === undefined ? [] : [mailAtMs - atMs];
  });
  const spreadMs = delays.length === 0 ? 0 : Math.max(...delays) - Math.min(...delays);
  const judged = promises.filter((promise) => promise.windowMs > 2 * spreadMs);
  const arrivals = deliveries.map(({ mailAtMs }) => mailAtMs);
  return [
    ...overruns([...admitted.values()], promises).map((text) => `admitted: ${text}`),
    ...overruns(arrivals, judged, Math.ceil(spreadMs)).map((text) => `arrived: ${text}`),
  ];
}
