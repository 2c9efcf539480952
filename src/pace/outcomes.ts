/**
 * What the log says becomes of mail: frees in_flight places, sees a provider in trouble and well
 * again, takes deferred mail back, follows what is done by hand, and charges what went round us.
 */
import { senderKey } from '../mail/origin.ts';
import type { DeliveryEvent, LogEvent } from '../postfix/event.ts';
import type { Demand, Store } from '../store/store.ts';
import type { Target, TargetOf } from './audience.ts';
import { Bypass } from './bypass.ts';
import type { Clock } from './clock.ts';
import type { Consequences } from './consequences.ts';
import type { Departures } from './departures.ts';
import type { Desk } from './desk.ts';
import { type Flight, type Flights, openAt, openIn } from './flights.ts';
import type { Grouped, HeldRecord, Share } from './item.ts';
import type { PaceLog } from './log.ts';
import type { Outcome } from './membership.ts';
import type { Patients } from './patients.ts';
import type { Blame } from './ports.ts';
import type { Rehold } from './rehold.ts';
import { Senders } from './senders.ts';

export interface OutcomesParts {
  readonly clock: Clock;
  readonly store: Store;
  readonly desk: Desk;
  readonly flights: Flights;
  readonly departures: Departures;
  readonly patients: Patients;
  readonly rehold: Rehold;
  readonly log: PaceLog;
  readonly consequences: Consequences;
  readonly targetOf: TargetOf;
  readonly groupedOf: (recipients: readonly string[]) => Grouped | undefined;
  readonly laneOf: (origin: { readonly sender: string }) => string;
  /** Recipients of a message by provider, those that leave the machine. */
  readonly openOf: (record: HeldRecord) => Map<string, Set<string>>;
  readonly demandsOf: (share: Share, sender: string | undefined) => readonly Demand[];
  readonly wake: (provider: string) => void;
  /** The store can't be reached; the charge or the place is settled by the next reconcile. */
  readonly onStoreTrouble: (error: unknown) => void;
}

type Deferral = Readonly<{ mode: Target['mode'] | undefined; blames: Blame; leftMs: number }>;

/** An outcome older than this is history: it still counts for its message, never as news. */
const NEWS_MS = 60_000;

export class Outcomes {
  readonly #parts: OutcomesParts;
  readonly #senders = new Senders();
  readonly #bypass: Bypass;

  constructor(parts: OutcomesParts) {
    this.#parts = parts;
    this.#bypass = new Bypass({ idOf: (queueId) => parts.desk.idOf(queueId), ...parts });
  }

  /** Recipients that left without us, as far as the log tells: charged, and reported. */
  get bypassed(): number {
    return this.#bypass.count;
  }

  see(event: LogEvent): void {
    if (this.#isStale(event)) return;
    switch (event.kind) {
      case 'delivery':
        return this.#delivery(event);
      case 'hold':
        return event.by === 'operator' ? this.#heldByHand(event.queueId) : undefined;
      case 'released':
        return this.#releasedByHand(event.queueId);
      case 'removed':
        return this.#removed(event.queueId);
      case 'renamed':
        this.#parts.flights.rename(event.queueId, event.newId);
        return this.#parts.desk.rename(event.queueId, event.newId);
      case 'active':
        this.#senders.remember(event.queueId, event.sender);
        return;
      default:
        return;
    }
  }

  /**
   * After a restart some lines are read once more. What the log said of a message before it was
   * held (again) is not news of it: a release seen twice would make us forget it.
   */
  #isStale(event: LogEvent): boolean {
    if (!('queueId' in event)) return false;
    // An outcome is for good, whenever it is read.
    if (event.kind === 'delivery' && event.status !== 'deferred') return false;
    const { desk, departures } = this.#parts;
    const record = desk.record(event.queueId);
    // A stamp in whole seconds may be older than the hold that was over within the same second.
    if (record === undefined || departures.pending(event.queueId)) return false;
    return event.atMs < record.heldMs && event.kind !== 'renamed';
  }

  /** All its places in the store are free again. */
  settle(flight: Flight, providers: Iterable<string>): void {
    for (const provider of providers) {
      this.#parts.store
        .settle(provider, flight.id)
        .then(() => this.#parts.wake(provider), this.#parts.onStoreTrouble);
    }
  }

  #delivery(event: DeliveryEvent): void {
    const { desk, flights, consequences, targetOf } = this.#parts;
    const flight = flights.get(event.queueId);
    // Local, virtual and pipe deliveries of a message we never saw are nobody's demand.
    if (flight === undefined && event.program !== 'smtp') return;
    const found = flight && openAt(flight, [event.origTo, event.recipient]);
    const target = targetOf(event.recipient, flight?.record.grouped);
    const provider = found?.provider ?? target?.id;
    if (provider === undefined) return;
    const recipient = found?.recipient ?? event.recipient;
    const outcome = { recipient, provider, relay: event.relay };
    // Of mail that we did not let go it is only known when it came.
    const leftMs = flight?.sinceMs ?? event.atMs - event.delaySec * 1000;
    const id = flight?.id ?? desk.idOf(event.queueId);
    const blames = consequences.saw(event, outcome, { id, leftMs });
    if (event.status === 'deferred') {
      return this.#deferred(event, outcome, flight, { mode: target?.mode, blames, leftMs });
    }
    if (this.#isNews(event)) consequences.ended(event, outcome);
    if (flight !== undefined && found !== undefined) {
      this.#bypass.delivered(event);
      const { settled } = flights.land(event.queueId, provider, found.recipient);
      this.settle(flight, settled);
    } else if (desk.record(event.queueId) !== undefined) {
      desk.landed(event.queueId, [event.origTo, event.recipient]);
    } else if (flight === undefined && event.contacted && event.status === 'sent') {
      const sender = this.#senders.keyOf(event.queueId);
      if (target !== undefined) this.#bypass.saw(event, provider, sender);
    }
  }

  #isNews(event: DeliveryEvent): boolean {
    return event.atMs > this.#parts.clock.nowMs() - NEWS_MS;
  }

  #deferred(
    event: DeliveryEvent,
    outcome: Outcome,
    flight: Flight | undefined,
    { mode, blames, leftMs }: Deferral,
  ): void {
    const { patients, rehold, desk, departures, consequences } = this.#parts;
    // Only observed: Postfix's own retries go on as if we were not there.
    if (mode === 'observe') {
      if (flight !== undefined) this.settle(flight, [outcome.provider]);
      return;
    }
    if (blames === 'provider' && this.#isNews(event)) {
      consequences.refused(outcome, event.reply, leftMs);
    } else if (blames === 'nobody') patients.keptBack(outcome.provider, leftMs);
    // Postfix tries it again by itself: it waits for its next outcome in nobody's place.
    if (flight?.byDoor ?? mode === 'tempfail')
      return flight && this.settle(flight, [outcome.provider]);
    // A message with an earlier deferral that waits here already is not deferred anew.
    const waits = desk.record(event.queueId) !== undefined && !rehold.wants(event.queueId);
    if (waits && !departures.pending(event.queueId)) return;
    rehold.want(this.#leftOf(event, flight), event.reply);
  }

  /** What is to be held of a message that was deferred. */
  #leftOf(event: DeliveryEvent, flight: Flight | undefined): HeldRecord {
    if (flight !== undefined) {
      const grouped = this.#parts.consequences.regrouped(flight.record.grouped);
      const why = `deferred: ${event.reply}`;
      return { ...flight.record, recipients: openIn(flight), why, grouped };
    }
    const sender = this.#senders.of(event.queueId);
    return {
      queueId: event.queueId,
      formerIds: [],
      sender,
      recipients: [event.recipient.toLowerCase()],
      grouped: this.#parts.groupedOf([event.recipient]),
      lane: this.#parts.laneOf({ sender }),
      arrivedMs: event.atMs - Math.round(event.delaySec * 1000),
      heldMs: this.#parts.clock.nowMs(),
      why: `deferred: ${event.reply}`,
      deferrals: 0,
      wasDeferred: true,
      notBeforeMs: 0,
    };
  }

  #heldByHand(queueId: string): void {
    const { desk, rehold, flights, log } = this.#parts;
    // Our own taking back, or a message that lies in hold for us: postsuper -h changes nothing there.
    if (rehold.wants(queueId) || desk.record(queueId) !== undefined) return;
    const flight = flights.end(queueId);
    if (flight === undefined) return;
    this.settle(flight, flight.open.keys());
    log.info({ queueId }, 'held by hand: not ours any more');
  }

  #releasedByHand(queueId: string): void {
    const { desk, departures, log } = this.#parts;
    const record = desk.record(queueId);
    if (record === undefined || departures.pending(queueId)) return;
    log.info({ queueId }, 'released by hand: charged');
    this.tookOff(record);
  }

  /** It left hold without us: charged to its providers, and followed to its outcome. */
  tookOff(record: HeldRecord): void {
    const { desk, flights, clock } = this.#parts;
    desk.forget(record.queueId);
    const open = this.#parts.openOf(record);
    flights.add({ id: desk.idOf(record.queueId), record, open, sinceMs: clock.nowMs() });
    this.charge(record);
  }

  /** Charges a message that leaves whatever the limits say. */
  charge(record: HeldRecord): void {
    const { demandsOf, onStoreTrouble } = this.#parts;
    const demands = [...this.#parts.openOf(record)].flatMap(([provider, { size: recipients }]) =>
      demandsOf({ provider, recipients }, senderKey(record)),
    );
    if (demands.length > 0) this.#parts.store.charge(demands).catch(onStoreTrouble);
  }

  #removed(queueId: string): void {
    const { desk, flights, rehold, departures, log } = this.#parts;
    this.#senders.forget(queueId);
    rehold.forget(queueId);
    const flight = flights.end(queueId);
    if (flight !== undefined) this.settle(flight, flight.open.keys());
    if (desk.record(queueId) === undefined || departures.pending(queueId)) return;
    desk.forget(queueId);
    log.info({ queueId }, 'removed from the queue');
  }
}
