/**
 * All of pacing on virtual time, with a real memory store and a real held book, beside a Postfix
 * that is played. Destinations are providers of their own; `.inside` stays on the machine.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { Limits } from '../../src/limit/limits.ts';
import { HeldBook } from '../../src/pace/held-book.ts';
import type { HeldRecord } from '../../src/pace/item.ts';
import type { MaxHoldAction } from '../../src/pace/max-hold.ts';
import { Membership } from '../../src/pace/membership.ts';
import { Pacer } from '../../src/pace/pacer.ts';
import type { Feedback } from '../../src/pace/ports.ts';
import type { Owner } from '../../src/pace/ownership.ts';
import type { Verdict } from '../../src/pace/verdict.ts';
import type { PaceSettings } from '../../src/pace/wire.ts';
import { openMemoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { FakePostfix } from './fake-postfix.ts';
import { SpokenLog } from './spoken-log.ts';
import { toldFeedback } from './told-feedback.ts';
import { VirtualTime } from './virtual-time.ts';

export const MINUTE_US = 60e6;

/** `pace(20)`: 20/min burst 1. */
export function pace(count: number, burst = 1, windowUs = MINUTE_US): Limits {
  return { pace: { count, windowUs, burst }, quotas: [] };
}

const LANES = ['transactional', 'default', 'bulk'];

/** What a test may change while it runs. */
export class Wishes {
  limits: Record<string, Limits> = {};
  otherwise: Limits = { quotas: [] };
  observed = new Set<string>();
  laneOf = (sender: string): string => LANES.find((lane) => sender.startsWith(lane)) ?? 'default';
  adoptAll = false;
  outcomesSeen = true;
  doorWaitMs = 0;
  /** Providers in tempfail mode. */
  refusing = new Set<string>();
  onMaxHold: MaxHoldAction = 'release';
  maxHoldMs = 24 * 3600e3;
  backoff = { minMs: 60_000, maxMs: 3600_000 };
  ownerOf: (queueId: string) => Owner | undefined = () => undefined;
  /** Thrown by targetOf. */
  fault: Error | undefined;
  /** Recipients whose place was looked up. */
  readonly lookedUp: string[] = [];
}

export interface Pacing {
  readonly time: VirtualTime;
  readonly postfix: FakePostfix;
  readonly log: SpokenLog;
  readonly wishes: Wishes;
  readonly store: Store;
  readonly book: HeldBook;
  readonly pacer: Pacer;
  readonly settings: PaceSettings;
  readonly stateDir: string;
  /** A message reaches its end: the verdict; in hold or with Postfix as it says. */
  readonly send: (
    queueId: string,
    to: string | readonly string[],
    sender?: string,
    login?: string,
  ) => Promise<Verdict>;
  /** A record of ours in the book and the lanes, and the message in hold. */
  readonly hold: (
    queueId: string,
    to: string | readonly string[],
    more?: Partial<HeldRecord>,
  ) => HeldRecord;
}

function domainOf(recipient: string): string {
  return recipient.slice(recipient.lastIndexOf('@') + 1).toLowerCase();
}

function settingsOf(
  wishes: Wishes,
  beginning: Beginning,
  placeOf: (destination: string, provider: string) => string,
): PaceSettings {
  const { limitsOf, providerOf = (destination) => destination, mx } = beginning;
  return {
    limitsOf: (provider) => wishes.limits[provider] ?? limitsOf?.(provider) ?? wishes.otherwise,
    targetOf: (recipient, grouped) => {
      if (wishes.fault) throw wishes.fault;
      const destination = domainOf(recipient);
      if (destination.endsWith('.inside') || !recipient.includes('@')) return undefined;
      const decided = grouped?.find(([one]) => one === destination)?.[1];
      const id = decided ?? mx?.get(destination) ?? providerOf(destination);
      const isMember = mx?.has(destination) && id !== destination;
      const hold = wishes.observed.has(id) ? 'observe' : 'hold';
      const mode = wishes.refusing.has(id) ? 'tempfail' : hold;
      return { id, mode, ...(isMember && { member: destination }) };
    },
    groupedOf: (recipients) => {
      const destinations = recipients.map(domainOf).filter((one) => mx?.has(one));
      return destinations.map((one) => [one, placeOf(one, mx?.get(one) ?? one)]);
    },
    prepare: async (recipients) => {
      wishes.lookedUp.push(...recipients);
    },
    laneOf: ({ sender }) => wishes.laneOf(sender),
    laneIndex: (lane) => Math.max(0, LANES.indexOf(lane)),
    bestLane: () => 'transactional',
    backoff: () => wishes.backoff,
    maxHoldMs: () => wishes.maxHoldMs,
    onMaxHold: () => wishes.onMaxHold,
    adoptAll: () => wishes.adoptAll,
    outcomesSeen: () => wishes.outcomesSeen,
    doorWaitMs: () => wishes.doorWaitMs,
  };
}

export interface Beginning {
  readonly limits?: Record<string, Limits>;
  readonly limitsOf?: (provider: string) => Limits;
  readonly providerOf?: (destination: string) => string;
  /** Destinations and the providers that their MX names; hosts below `.<provider>` are its own. */
  readonly mx?: Map<string, string>;
  readonly time?: VirtualTime;
  readonly postfix?: FakePostfix;
  readonly store?: Store;
  readonly feedback?: Feedback;
  readonly stateDir?: string;
  /** false: loaded, and not started. */
  readonly starts?: boolean;
}

export function newStateDir(t: Test): string {
  const dir = mkdtempSync(join(tmpdir(), 'postpace-pace-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Pacing as a daemon runs it, ended with the test. */
export async function openPacing(t: Test, beginning: Beginning = {}): Promise<Pacing> {
  const time = beginning.time ?? new VirtualTime(t);
  const postfix = beginning.postfix ?? new FakePostfix();
  const log = new SpokenLog();
  const wishes = new Wishes();
  Object.assign(wishes.limits, beginning.limits);
  const store = beginning.store ?? (await openMemoryStore({ clock: time.forStore }));
  const stateDir = beginning.stateDir ?? newStateDir(t);
  const book = new HeldBook({ stateDir, onTrouble: (text) => log.warn({}, text) });
  const membership = new Membership({
    nowMs: () => time.nowMs(),
    log,
    memberOf(recipient, provider) {
      const destination = domainOf(recipient);
      const isMember = beginning.mx?.has(destination) && provider !== destination;
      return isMember ? { destination, owner: destination } : undefined;
    },
    ownId: (destination) => destination,
    ofHost: (host) => host.slice(host.indexOf('.') + 1),
  });
  const settings = settingsOf(wishes, beginning, (destination, provider) =>
    membership.placeOf(destination, provider),
  );
  const pacer = new Pacer({
    clock: time,
    host: 'mx',
    store,
    book,
    queue: postfix,
    releaser: postfix,
    ownerOf: async (queueId) => wishes.ownerOf(queueId),
    feedback: beginning.feedback ?? toldFeedback,
    settings,
    membership,
    log,
  });
  await pacer.load();
  if (beginning.starts !== false) pacer.start();
  t.teardown(() => {
    pacer.stop();
    book.close();
  });
  const send: Pacing['send'] = async (queueId, to, sender = 'app@example.org', login) => {
    const recipients = typeof to === 'string' ? [to] : to;
    const origin = { sender, login };
    const verdict = await pacer.is.verdicts.decide({ queueId, origin, recipients });
    postfix.put(queueId, verdict.kind === 'hold' ? 'hold' : 'active', {
      sender,
      recipients: recipients.map((address) => ({ address })),
      arrivalSec: Math.floor(time.nowMs() / 1000),
    });
    return verdict;
  };
  const hold: Pacing['hold'] = (queueId, to, more = {}) => {
    const recipients = typeof to === 'string' ? [to] : to;
    const record = { ...aRecord(queueId, recipients, time.nowMs()), ...more };
    postfix.put(queueId, 'hold', {
      sender: record.sender,
      recipients: recipients.map((address) => ({ address })),
      arrivalSec: Math.floor(record.arrivedMs / 1000),
    });
    pacer.is.desk.hold(record);
    return record;
  };
  return { time, postfix, log, wishes, store, book, pacer, settings, stateDir, send, hold };
}

export function aRecord(queueId: string, recipients: readonly string[], nowMs: number): HeldRecord {
  return {
    queueId,
    formerIds: [],
    sender: 'app@example.org',
    recipients,
    lane: 'default',
    arrivedMs: nowMs,
    heldMs: nowMs,
    why: 'pace of one.example',
    deferrals: 0,
    wasDeferred: false,
    notBeforeMs: 0,
  };
}
