/** What the daemon knows, as the control socket tells it. */
import type { ProviderReport } from '../control/api.ts';
import { senderKey } from '../mail/origin.ts';
import type { Clock } from '../pace/clock.ts';
import type { Grouped, HeldRecord } from '../pace/item.ts';
import type { Pacer } from '../pace/pacer.ts';
import type { Mode } from '../provider/provider.ts';
import type { Resolution } from '../provider/resolve.ts';
import type { Store } from '../store/store.ts';
import type { Reported } from './feedback-report.ts';
import { limitsReport } from './limits-report.ts';

export interface ReportParts {
  readonly clock: Clock;
  readonly pacer: Pacer;
  readonly feedback: Reported;
  readonly store: Store;
  readonly resolution: (provider: string) => Resolution;
  readonly modeOf: (provider: string) => Mode;
  /** Providers of a message's recipients, in order of first mention. */
  readonly providersOf: (recipients: readonly string[], grouped?: Grouped) => readonly string[];
}

/** Mail that waits out its own backoff, by provider. */
export type Shelf = ReadonlyMap<string, readonly HeldRecord[]>;

export function shelfOf({ pacer, providersOf }: ReportParts): Shelf {
  const shelf = new Map<string, HeldRecord[]>();
  for (const record of pacer.is.desk.shelf()) {
    for (const provider of providersOf(record.recipients, record.grouped)) {
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
  const room = parts.feedback.room(provider);
  // While it blocks us the block's own probes are all that goes out.
  const trouble = room === undefined ? pacer.is.patients.of(provider) : undefined;
  const limits = pacer.is.gate.limits(provider);
  const most = pacer.is.gate.ceiling(provider).inFlight ?? Infinity;
  const isCrowded = (limits.inFlight ?? Infinity) < most;
  const { minute, hour, day, inFlight } = await store.usage(provider);
  const places = await store.inFlight(provider);
  const waiting = heldAt(parts, provider, shelf, new Set(places.map(({ id }) => id)));
  const queue = pacer.is.scheduler.lineUp.queue(provider);
  const closedUntilUs = room?.messages === 0 ? room.lookMs * 1e3 : 0;
  const next = Math.max(queue === undefined ? Infinity : queue.nextUs, closedUntilUs, nowUs);
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
    ...(await parts.feedback.report(provider, isCrowded)),
    sent: { minute, hour, day },
    inFlight,
    held: waiting.messages,
    heldByLane: waiting.byLane,
    limitedSenders: limitedAt(parts, provider),
    nextRelease: waiting.messages > 0 && Number.isFinite(next) ? ms(next) : null,
    lastRelease:
      waiting.messages > 0
        ? await lastRelease(parts, provider, waiting.recipients, waiting.most)
        : null,
  };
}

/** So many recipients of one sender. */
export interface Own {
  readonly sender: string;
  readonly recipients: number;
}

/**
 * When the last of so many recipients leaves, if nothing better comes. `own`: those of one sender,
 * which leave no faster than its own limit lets them.
 */
export async function lastRelease(
  { pacer, feedback, store, clock }: ReportParts,
  provider: string,
  recipients: number,
  own: Own | undefined,
): Promise<number | null> {
  const trouble = pacer.is.patients.of(provider);
  if (pacer.is.gate.passes(provider)) return Math.round(clock.nowMs());
  const limits = pacer.is.gate.limits(provider);
  let atUs = await store.forecast({ provider, recipients: 1, limits }, recipients);
  if (own !== undefined && limits.perSender !== undefined) {
    const { sender, recipients: count } = own;
    const demand = { provider, sender, recipients: 1, limits: limits.perSender };
    atUs = Math.max(atUs, await store.forecast(demand, count));
  }
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
  /** The sender of most of it. */
  readonly most: Own | undefined;
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
  let most: Own | undefined;
  const bySender = new Map<string, number>();
  const add = (record: HeldRecord, count: number): void => {
    messages++;
    recipients += count;
    const sender = senderKey(record);
    const own = (bySender.get(sender) ?? 0) + count;
    bySender.set(sender, own);
    if (own > (most?.recipients ?? 0)) most = { sender, recipients: own };
    byLane[record.lane] = (byLane[record.lane] ?? 0) + 1;
  };
  for (const item of pacer.is.scheduler.lineUp.queue(provider)?.inTurn() ?? []) {
    const share = item.shares.find((one) => one.provider === provider);
    // One that was charged a moment ago is about to leave: it must not be counted twice.
    if (!item.observed && !charged.has(item.id)) add(item.record, share?.recipients ?? 0);
  }
  for (const record of shelf.get(provider) ?? []) add(record, record.recipients.length);
  return { messages, recipients, byLane, most };
}

function limitedAt(
  { pacer }: ReportParts,
  provider: string,
): { readonly senders: number; readonly held: number } {
  const senders = new Set<string>();
  let held = 0;
  for (const { sender, items } of pacer.is.scheduler.lineUp.queue(provider)?.limited() ?? []) {
    senders.add(sender);
    held += items.filter(({ observed }) => !observed).length;
  }
  return { senders: senders.size, held };
}

async function whySuspended(store: Store, provider: string): Promise<string> {
  const history = await store.history(provider, 50);
  const last = history.find(({ kind }) => kind === 'suspend');
  return last === undefined ? 'suspended' : `${last.why || 'no reason given'} (by ${last.by})`;
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
