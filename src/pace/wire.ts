/** The parts of pacing, each given the others it needs. */
import type { Limits } from '../limit/limits.ts';
import type { Origin } from '../mail/origin.ts';
import type { Store } from '../store/store.ts';
import { audienceOf, type TargetOf } from './audience.ts';
import type { Clock } from './clock.ts';
import { Consequences } from './consequences.ts';
import { Departures } from './departures.ts';
import { Desk } from './desk.ts';
import { Door } from './door.ts';
import { Flights } from './flights.ts';
import { Gate } from './gate.ts';
import type { Backoff } from './health.ts';
import type { HeldBook } from './held-book.ts';
import type { Grouped, HeldRecord, Item } from './item.ts';
import type { PaceLog } from './log.ts';
import type { Membership } from './membership.ts';
import { MaxHold, type MaxHoldAction } from './max-hold.ts';
import { Outcomes } from './outcomes.ts';
import { Patients } from './patients.ts';
import type { Feedback, HoldQueue, Releaser } from './ports.ts';
import type { Ownership } from './ownership.ts';
import { Reconcile } from './reconcile.ts';
import { Rehold } from './rehold.ts';
import { Scheduler } from './scheduler.ts';
import { tellExceeded, Verdicts } from './verdict.ts';

/** What the configuration says, as of now: asked anew each time, so that a reload needs no more. */
export interface PaceSettings {
  readonly limitsOf: (provider: string) => Limits;
  readonly targetOf: TargetOf;
  /** Providers of those destinations that none lists, as of now; undefined: all are listed. */
  readonly groupedOf: (recipients: readonly string[]) => Grouped | undefined;
  /** Looks up what targetOf needs to know of recipients that no milter saw. Never rejects. */
  readonly prepare: (recipients: readonly string[]) => Promise<void> | undefined;
  /** What is not known of a message can't put it into a lane. */
  readonly laneOf: (origin: Origin) => string;
  /** 0 for the best, and for a lane that no longer exists the default one's. */
  readonly laneIndex: (lane: string) => number;
  readonly bestLane: () => string;
  readonly backoff: () => Backoff;
  readonly maxHoldMs: (lane: string) => number;
  readonly onMaxHold: () => MaxHoldAction;
  readonly adoptAll: () => boolean;
  readonly outcomesSeen: () => boolean;
  /** How long a recipient may wait at RCPT in tempfail mode; 0: not at all. */
  readonly doorWaitMs: () => number;
}

export interface PacerParts {
  readonly clock: Clock;
  readonly host: string;
  readonly store: Store;
  readonly book: HeldBook;
  readonly queue: HoldQueue;
  readonly releaser: Releaser;
  readonly ownerOf: Ownership;
  readonly feedback: Feedback;
  readonly settings: PaceSettings;
  readonly membership: Membership;
  readonly log: PaceLog;
}

export interface Hooks {
  /** undefined: the store answers. */
  readonly onStore: (error: unknown) => void;
  /** Something is in doubt: the queue should be listed soon. */
  readonly onDoubt: () => void;
}

export interface Pacing {
  readonly flights: Flights;
  readonly patients: Patients;
  readonly gate: Gate;
  readonly door: Door;
  readonly scheduler: Scheduler;
  readonly desk: Desk;
  readonly departures: Departures;
  readonly rehold: Rehold;
  readonly outcomes: Outcomes;
  readonly maxHold: MaxHold;
  readonly reconcile: Reconcile;
  readonly verdicts: Verdicts;
}

export function wirePacing(parts: PacerParts, { onStore, onDoubt }: Hooks): Pacing {
  const { clock, store, releaser, settings, membership, log } = parts;
  const { targetOf, groupedOf, laneOf, laneIndex, backoff } = settings;
  const openOf = (record: HeldRecord) => openRecipients(record, targetOf);
  const flights = new Flights();
  const patients = new Patients({ clock, backoff, log });
  const gate = new Gate({
    store,
    clock,
    limitsOf: settings.limitsOf,
    troubleOf: (provider) => patients.of(provider),
    feedback: parts.feedback,
    areNew: (provider, members) => membership.areNew(provider, members),
    outcomesSeen: settings.outcomesSeen,
  });
  const scheduler = new Scheduler({
    clock,
    attempt: async (item) => {
      const attempt = await gate.attempt(item, true);
      onStore(undefined);
      return attempt;
    },
    limits: (provider) => gate.limits(provider),
    probing: (provider) => parts.feedback.room(provider) !== undefined,
    release: (item, attempt) => {
      tellExceeded(log, item.record.queueId, attempt);
      if (item.observed) tellObserved(item, clock, log);
      else departures.leave(item.record);
    },
    onTrouble: onStore,
    announce: (provider, counts, sender) => {
      store.announce(provider, counts, sender).catch(onStore);
    },
  });
  const door = new Door({
    clock,
    store,
    gate,
    waitsBefore: (provider, lane, sender) => scheduler.waitsBefore(provider, lane, sender),
    laneOf,
    laneIndex,
    waitMs: settings.doorWaitMs,
    entered: ({ id }, attempt) => tellExceeded(log, id, attempt),
  });
  const desk: Desk = new Desk({
    clock,
    host: parts.host,
    book: parts.book,
    scheduler,
    targetOf,
    laneIndex,
    releaseNow: (record) => departures.leave(record),
  });
  const departures: Departures = new Departures({
    clock,
    desk,
    flights,
    releaser,
    log,
    openOf,
    settle: (flight) => outcomes.settle(flight, flight.open.keys()),
    takeBack: (record, why) => rehold.want(record, why, true),
    onDoubt,
    pause: (forMs) => scheduler.pause(clock.nowUs() + forMs * 1000),
  });
  const rehold: Rehold = new Rehold({
    clock,
    desk,
    flights,
    departures,
    releaser,
    backoff,
    settle: (flight) => outcomes.settle(flight, flight.open.keys()),
    log,
  });
  const wake = (provider: string): void => {
    scheduler.wake(provider);
    door.wake(provider);
  };
  const outcomes: Outcomes = new Outcomes({
    clock,
    store,
    desk,
    flights,
    departures,
    patients,
    rehold,
    log,
    consequences: new Consequences({ desk, patients, membership, feedback: parts.feedback, wake }),
    targetOf,
    groupedOf,
    laneOf,
    openOf,
    demandsOf: (share, sender) => gate.demands(share, sender, false),
    wake,
    onStoreTrouble: onStore,
  });
  const maxHold = new MaxHold({
    clock,
    desk,
    departures,
    outcomes,
    releaser,
    log,
    maxHoldMs: settings.maxHoldMs,
    action: settings.onMaxHold,
    bestLane: settings.bestLane,
  });
  const reconcile = new Reconcile({
    clock,
    queue: parts.queue,
    desk,
    flights,
    departures,
    rehold,
    outcomes,
    log,
    ownerOf: parts.ownerOf,
    adoptAll: settings.adoptAll,
    targetOf,
    groupedOf,
    prepare: settings.prepare,
    laneOf,
    checkAge: (record) => maxHold.check(record),
  });
  const verdicts = new Verdicts({
    clock,
    desk,
    flights,
    gate,
    scheduler,
    log,
    targetOf,
    groupedOf,
    laneOf,
    laneIndex,
  });
  return {
    flights,
    patients,
    gate,
    door,
    scheduler,
    desk,
    departures,
    rehold,
    outcomes,
    maxHold,
    reconcile,
    verdicts,
  };
}

function openRecipients(record: HeldRecord, targetOf: TargetOf): Map<string, Set<string>> {
  const { byProvider } = audienceOf(record.recipients, targetOf, record.grouped);
  return new Map([...byProvider].map(([provider, some]) => [provider, new Set(some)]));
}

function tellObserved(item: Item, clock: Clock, log: PaceLog): void {
  const { queueId, heldMs } = item.record;
  const providers = item.shares.map(({ provider }) => provider);
  const waitedMs = Math.round(clock.nowMs() - heldMs);
  log.info({ queueId, providers, waitedMs }, 'would be released (observe)');
}
