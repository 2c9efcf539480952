/** What the daemon knows, as the control socket tells it. */
import type { HeldReport, LimitsReport, ProviderReport } from '../control/api.ts';
import type { Limits } from '../limit/limits.ts';
import { formatRate } from '../limit/rate.ts';
import type { Clock } from '../pace/clock.ts';
import type { HeldRecord } from '../pace/item.ts';
import type { Pacer } from '../pace/pacer.ts';
import type { OtherHold } from '../pace/ownership.ts';
import type { Mode } from '../provider/provider.ts';
import type { Resolution } from '../provider/resolve.ts';
import type { Store } from '../store/store.ts';
import type { Reported } from './feedback-report.ts';

export interface ReportParts {
  readonly clock: Clock;
  readonly pacer: Pacer;
  readonly feedback: Reported;
  readonly store: Store;
  readonly resolution: (provider: string) => Resolution;
  readonly modeOf: (provider: string) => Mode;
  /** Providers of a message's recipients, in order of first mention. */
  readonly providersOf: (recipients: readonly string[]) => readonly string[];
}

/** Most destinations have the same limits: written once. */
const written = new WeakMap<Limits, LimitsReport>();

export function limitsReport(limits: Limits): LimitsReport {
  const known = written.get(limits);
  if (known !== undefined) return known;
  const report = {
    pace: limits.pace === undefined ? null : formatRate(limits.pace),
    burst: limits.pace?.burst ?? null,
    quotas: limits.quotas.map(formatRate),
    inFlight: limits.inFlight ?? null,
  };
  written.set(limits, report);
  return report;
}

/** Mail that waits out its own backoff, by provider. */
export type Shelf = ReadonlyMap<string, readonly HeldRecord[]>;

export function shelfOf({ pacer, providersOf }: ReportParts): Shelf {
  const shelf = new Map<string, HeldRecord[]>();
  for (const record of pacer.is.desk.shelf()) {
    for (const provider of providersOf(record.recipients)) {
      const records = shelf.get(provider);
      if (records === undefined) shelf.set(provider, [record]);
      else records.push(record);
    }
  }
  return shelf;
}

/** `shelf`: to be given where many are reported. */
export async function providerReport(
  parts: ReportParts,
  provider: string,
  shelf: Shelf = shelfOf(parts),
): Promise<ProviderReport> {
  const { clock, pacer, store } = parts;
  const { name, limits: configured } = parts.resolution(provider);
  const control = pacer.is.gate.controls.get(provider);
  const nowUs = clock.nowUs();
  const override = inTime(control?.override, nowUs);
  const suspended = inTime(control?.suspended, nowUs);
  const pass = inTime(control?.pass, nowUs);
  const trouble = pacer.is.patients.of(provider);
  const limits = pacer.is.gate.limits(provider);
  const { minute, hour, day, inFlight } = await store.usage(provider);
  const places = await store.inFlight(provider);
  const waiting = heldAt(parts, provider, shelf, new Set(places.map(({ id }) => id)));
  const queue = pacer.is.scheduler.lineUp.queue(provider);
  const next = queue === undefined ? Infinity : queue.nextUs;
  return {
    provider,
    name,
    mode: parts.modeOf(provider),
    limits: limitsReport(limits),
    configured: limitsReport(configured),
    limitsFrom: override === undefined ? 'configuration' : 'override',
    overrideUntil: ms(override?.untilUs),
    suspended: suspended
      ? { until: ms(suspended.untilUs), why: await whySuspended(store, provider) }
      : null,
    passUntil: ms(pass?.untilUs),
    trouble: trouble
      ? {
          since: Math.round(trouble.sinceMs),
          nextProbe: Math.round(trouble.nextProbeMs),
          reply: trouble.reply,
        }
      : null,
    ...(await parts.feedback.report(provider)),
    sent: { minute, hour, day },
    inFlight,
    held: waiting.messages,
    heldByLane: waiting.byLane,
    nextRelease: waiting.messages > 0 && Number.isFinite(next) ? ms(Math.max(next, nowUs)) : null,
    lastRelease:
      waiting.messages > 0 ? await lastRelease(parts, provider, waiting.recipients) : null,
  };
}

/** When the last of so many recipients leaves, if nothing better comes. */
async function lastRelease(
  { pacer, feedback, store, clock }: ReportParts,
  provider: string,
  recipients: number,
): Promise<number | null> {
  const trouble = pacer.is.patients.of(provider);
  if (pacer.is.gate.passes(provider)) return Math.round(clock.nowMs());
  const atUs = await store.forecast(
    { provider, recipients: 1, limits: pacer.is.gate.limits(provider) },
    recipients,
  );
  if (!Number.isFinite(atUs)) return null;
  // Nobody knows when a provider that takes nothing accepts again: no date is promised.
  return trouble === undefined && feedback.room(provider) === undefined
    ? Math.round(atUs / 1000)
    : null;
}

interface Waiting {
  readonly messages: number;
  readonly recipients: number;
  readonly byLane: Readonly<Record<string, number>>;
}

/** Mail held for a provider: in its lanes, or in its own backoff. `charged`: ids in flight. */
function heldAt(
  { pacer }: ReportParts,
  provider: string,
  shelf: Shelf,
  charged: ReadonlySet<string>,
): Waiting {
  const byLane: Record<string, number> = {};
  let messages = 0;
  let recipients = 0;
  const add = (record: HeldRecord, count: number): void => {
    messages++;
    recipients += count;
    byLane[record.lane] = (byLane[record.lane] ?? 0) + 1;
  };
  for (const item of pacer.is.scheduler.lineUp.queue(provider)?.inTurn() ?? []) {
    const share = item.shares.find((one) => one.provider === provider);
    // One that was charged a moment ago is about to leave: it must not be counted twice.
    if (!item.observed && !charged.has(item.id)) add(item.record, share?.recipients ?? 0);
  }
  for (const record of shelf.get(provider) ?? []) add(record, record.recipients.length);
  return { messages, recipients, byLane };
}

async function whySuspended(store: Store, provider: string): Promise<string> {
  const history = await store.history(provider, 50);
  const last = history.find(({ kind }) => kind === 'suspend');
  return last === undefined ? 'suspended' : `${last.why || 'no reason given'} (by ${last.by})`;
}

/** A message of ours. `position`: how many recipients leave before it and with it. */
export async function heldReport(
  parts: ReportParts,
  record: HeldRecord,
  positions: ReadonlyMap<string, number>,
): Promise<HeldReport> {
  const { pacer } = parts;
  const providers = parts.providersOf(record.recipients);
  let leavesAt: number | null = record.notBeforeMs > 0 ? record.notBeforeMs : 0;
  for (const provider of providers) {
    const ahead = positions.get(`${provider} ${record.queueId}`);
    const at = ahead === undefined ? null : await lastRelease(parts, provider, ahead);
    leavesAt = at === null || leavesAt === null ? null : Math.max(leavesAt, at);
  }
  if (pacer.is.desk.shelved(record.queueId)) leavesAt = record.notBeforeMs;
  return {
    queueId: record.queueId,
    formerIds: record.formerIds,
    owner: 'ours',
    sender: record.sender,
    recipients: record.recipients,
    providers,
    lane: record.lane,
    arrivedAt: Math.round(record.arrivedMs),
    heldAt: Math.round(record.heldMs),
    why: record.why,
    leavesAt: leavesAt === null || leavesAt === 0 ? null : Math.round(leavesAt),
    expiresAt: Math.round(pacer.is.maxHold.expiresMs(record)),
    deferrals: record.deferrals,
  };
}

/** Recipients up to and including each message, by `provider queue-id`, in the order of turns. */
export function positionsIn(
  { pacer }: ReportParts,
  providers: Iterable<string>,
): Map<string, number> {
  const positions = new Map<string, number>();
  for (const provider of providers) {
    let recipients = 0;
    for (const item of pacer.is.scheduler.lineUp.queue(provider)?.inTurn() ?? []) {
      recipients += item.shares.find((one) => one.provider === provider)?.recipients ?? 0;
      positions.set(`${provider} ${item.record.queueId}`, recipients);
    }
  }
  return positions;
}

export function otherReport(parts: ReportParts, { message, owner, why }: OtherHold): HeldReport {
  const recipients = message.recipients.map(({ address }) => address);
  return {
    queueId: message.queueId,
    formerIds: [],
    owner,
    sender: message.sender,
    recipients,
    providers: parts.providersOf(recipients),
    lane: '',
    arrivedAt: message.arrivalSec * 1000,
    heldAt: message.arrivalSec * 1000,
    why,
    leavesAt: null,
    expiresAt: null,
    deferrals: 0,
  };
}

function inTime<T extends { readonly untilUs?: number }>(
  one: T | undefined,
  nowUs: number,
): T | undefined {
  return one !== undefined && (one.untilUs ?? Infinity) > nowUs ? one : undefined;
}

function ms(us: number | undefined): number | null {
  return us === undefined ? null : Math.round(us / 1000);
}
