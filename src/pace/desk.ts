/**
 * Everything that waits here, in one place: the records on disk, the lanes, and the shelf of
 * messages whose own backoff is not over. What one of them knows, all of them know.
 */
import { senderKey } from '../mail/origin.ts';
import { audienceOf, type TargetOf } from './audience.ts';
import type { Clock } from './clock.ts';
import type { HeldBook } from './held-book.ts';
import type { Grouped, HeldRecord, Item } from './item.ts';
import type { Move } from './membership.ts';
import type { Scheduler } from './scheduler.ts';

export interface DeskParts {
  readonly clock: Clock;
  /** This host's name in the pool. */
  readonly host: string;
  readonly book: HeldBook;
  readonly scheduler: Scheduler;
  readonly targetOf: TargetOf;
  readonly laneIndex: (lane: string) => number;
  /** All its recipients stay here: it leaves at once, uncharged. */
  readonly releaseNow: (record: HeldRecord) => void;
}

export class Desk {
  readonly #parts: DeskParts;
  readonly #shelf = new Map<string, HeldRecord>();

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  /** The message's name in the pool. */
  idOf(queueId: string): string {
    return `${this.#parts.host}/${queueId}`;
  }

  get size(): number {
    return this.#parts.book.size;
  }

  record(queueId: string): HeldRecord | undefined {
    return this.#parts.book.get(queueId);
  }

  records(): IterableIterator<HeldRecord> {
    return this.#parts.book.records();
  }

  item(queueId: string): Item | undefined {
    return this.#parts.scheduler.lineUp.get(this.idOf(queueId));
  }

  /** The record is on disk when this returns. `first`: before its sender's other mail. */
  hold(record: HeldRecord, first = false): void {
    this.#parts.book.put(record);
    this.queueUp(record, first);
  }

  /** Its record alone: it is not in hold yet, or about to leave. */
  keep(record: HeldRecord): void {
    this.release(record);
    this.#parts.book.put(record);
  }

  /** Into the lanes, or on the shelf while its backoff lasts. */
  queueUp(record: HeldRecord, first = false): void {
    const { clock, scheduler, releaseNow } = this.#parts;
    this.#shelf.delete(record.queueId);
    scheduler.remove(this.idOf(record.queueId));
    if (record.notBeforeMs > clock.nowMs()) {
      this.#shelf.set(record.queueId, record);
      return;
    }
    const item = this.#itemOf(record);
    if (item === undefined) releaseNow(record);
    else scheduler.add(item, first);
  }

  /** A recipient's outcome was read after the message had gone back to hold: it waits no more. */
  landed(queueId: string, addresses: readonly (string | undefined)[]): void {
    const record = this.#parts.book.get(queueId);
    if (record === undefined) return;
    const gone = new Set(addresses.map((address) => address?.toLowerCase()));
    const recipients = record.recipients.filter((one) => !gone.has(one.toLowerCase()));
    if (recipients.length === record.recipients.length || recipients.length === 0) return;
    const waits = this.#shelf.has(queueId) || this.item(queueId) !== undefined;
    if (waits) this.hold({ ...record, recipients }, true);
    else this.keep({ ...record, recipients });
  }

  /** The message is no longer ours to release: it left, was deleted, or taken over by hand. */
  forget(queueId: string): HeldRecord | undefined {
    const record = this.#parts.book.get(queueId);
    this.#shelf.delete(queueId);
    this.#parts.scheduler.remove(this.idOf(queueId));
    this.#parts.book.drop(queueId);
    return record;
  }

  /** It is about to leave: out of the lanes and off the shelf, its record stays until it has left. */
  release(record: HeldRecord): void {
    this.#shelf.delete(record.queueId);
    this.#parts.scheduler.remove(this.idOf(record.queueId));
  }

  rename(from: string, to: string): void {
    const record = this.forget(from);
    if (record === undefined) return;
    this.hold({ ...record, queueId: to, formerIds: [...record.formerIds, from] }, true);
  }

  /** From the shelf into the lanes: those whose backoff is over. */
  unshelve(): void {
    const nowMs = this.#parts.clock.nowMs();
    for (const record of newestFirst(this.#shelf.values())) {
      if (record.notBeforeMs <= nowMs) this.queueUp(record, true);
    }
  }

  /** The provider takes mail again: what waits because of it need not wait out its backoff. */
  recovered(provider: string): void {
    for (const record of newestFirst(this.#shelf.values())) {
      const { byProvider } = audienceOf(record.recipients, this.#parts.targetOf, record.grouped);
      if (byProvider.has(provider)) this.hold({ ...record, notBeforeMs: 0 }, true);
    }
  }

  /** Who it waits for. */
  providersOf({ recipients, grouped }: HeldRecord): readonly string[] {
    const { held } = audienceOf(recipients, this.#parts.targetOf, grouped);
    return held.map(({ provider }) => provider);
  }

  /** A destination counts for another provider now: what waits for it changes lines. */
  move(move: Move): void {
    const waiting = [...this.#parts.book.records()].filter(
      (record) => this.#shelf.has(record.queueId) || this.item(record.queueId) !== undefined,
    );
    for (const record of newestFirst(waiting)) {
      const grouped = moved(record.grouped, move);
      if (grouped !== record.grouped) this.hold({ ...record, grouped }, true);
    }
  }

  shelved(queueId: string): boolean {
    return this.#shelf.has(queueId);
  }

  shelf(): IterableIterator<HeldRecord> {
    return this.#shelf.values();
  }

  /** Into the lanes what the book holds, after a start. */
  load(): void {
    for (const record of this.#parts.book.records()) this.queueUp(record);
  }

  /** After a change of configuration: all that waits is looked at anew, in its old order. */
  requeue(): void {
    const waiting = [...this.#parts.scheduler.lineUp.items()].filter((item) => !item.observed);
    for (const record of [...waiting.map((item) => item.record), ...this.#shelf.values()]) {
      this.queueUp(record);
    }
  }

  #itemOf(record: HeldRecord): Item | undefined {
    const { targetOf } = this.#parts;
    const { held, observed } = audienceOf(record.recipients, targetOf, record.grouped);
    // Held before its providers were only observed: it leaves at their pace, or it would be a burst.
    const shares = held.length > 0 ? held : observed;
    if (shares.length === 0) return undefined;
    return {
      id: this.idOf(record.queueId),
      record,
      sender: senderKey(record),
      lane: this.#parts.laneIndex(record.lane),
      shares,
      observed: false,
      waiting: true,
      parkedBy: undefined,
    };
  }
}

/** With the destination at its new provider; the same where it is not at the old one. */
function moved(grouped: Grouped | undefined, { destination, from, to }: Move): Grouped | undefined {
  const isIn = grouped?.some(([one, provider]) => one === destination && provider === from);
  if (grouped === undefined || !isIn) return grouped;
  return grouped.map(([one, provider]) => [one, one === destination ? to : provider]);
}

/** Put before its sender's other mail in this order, the oldest is at the head. */
function newestFirst(records: Iterable<HeldRecord>): readonly HeldRecord[] {
  return [...records].toSorted((a, b) => b.arrivedMs - a.arrivedMs);
}
