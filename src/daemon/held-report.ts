/** Held messages as the control socket tells them. */
import type { HeldReport } from '../control/api.ts';
import type { HeldRecord } from '../pace/item.ts';
import type { OtherHold } from '../pace/ownership.ts';
import { lastRelease, type Own, type ReportParts } from './reports.ts';

/** A message of ours. `position`: how many recipients leave before it and with it. */
export async function heldReport(
  parts: ReportParts,
  record: HeldRecord,
  positions: Positions,
): Promise<HeldReport> {
  const { pacer } = parts;
  const providers = parts.providersOf(record.recipients, record.grouped);
  let leavesAt: number | null = record.notBeforeMs > 0 ? record.notBeforeMs : 0;
  for (const provider of providers) {
    const ahead = positions.get(`${provider} ${record.queueId}`);
    const at =
      ahead === undefined ? null : await lastRelease(parts, provider, ahead.all, ahead.own);
    leavesAt = at === null || leavesAt === null ? null : Math.max(leavesAt, at);
  }
  if (pacer.is.desk.shelved(record.queueId)) leavesAt = record.notBeforeMs;
  return {
    queueId: record.queueId,
    formerIds: record.formerIds,
    owner: 'ours',
    sender: record.sender,
    login: record.login ?? null,
    senderLimit: providers.some((provider) =>
      pacer.is.scheduler.isLimited(provider, pacer.is.desk.idOf(record.queueId)),
    ),
    recipients: record.recipients,
    providers,
    lane: record.lane,
    arrivedAt: Math.round(record.arrivedMs),
    heldAt: Math.round(record.heldMs),
    why: record.why,
    leavesAt: leavesAt === null || leavesAt === 0 ? null : Math.round(leavesAt),
    notBefore: leavesAt === null ? nextProbe(parts, providers) : null,
    expiresAt: Math.round(pacer.is.maxHold.expiresMs(record)),
    deferrals: record.deferrals,
  };
}

/** When the last of these that take nothing just now is asked again. */
function nextProbe({ pacer, feedback }: ReportParts, providers: readonly string[]): number | null {
  const looks = providers.map((provider) => {
    const room = feedback.room(provider);
    if (room === undefined) return pacer.is.patients.of(provider)?.nextProbeMs ?? -Infinity;
    return room.messages === 0 ? room.lookMs : -Infinity;
  });
  const last = Math.max(...looks);
  return Number.isFinite(last) ? Math.round(last) : null;
}

/** By `provider queue-id`: recipients up to and including each message, of all and of its sender. */
type Positions = ReadonlyMap<string, { readonly all: number; readonly own: Own }>;

/** In the order of turns. */
export function positionsIn({ pacer }: ReportParts, providers: Iterable<string>): Positions {
  const positions = new Map<string, { readonly all: number; readonly own: Own }>();
  for (const provider of providers) {
    let all = 0;
    const bySender = new Map<string, number>();
    for (const item of pacer.is.scheduler.lineUp.queue(provider)?.inTurn() ?? []) {
      const { sender } = item;
      const count = item.shares.find((one) => one.provider === provider)?.recipients ?? 0;
      const recipients = (bySender.get(sender) ?? 0) + count;
      all += count;
      bySender.set(sender, recipients);
      positions.set(`${provider} ${item.record.queueId}`, { all, own: { sender, recipients } });
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
    login: null,
    senderLimit: false,
    recipients,
    providers: parts.providersOf(recipients),
    lane: '',
    arrivedAt: message.arrivalSec * 1000,
    heldAt: message.arrivalSec * 1000,
    why,
    leavesAt: null,
    notBefore: null,
    expiresAt: null,
    deferrals: 0,
  };
}
