/**
 * Out of hold: what was charged is released, in one batch with whatever is due at the same time.
 * A message that the helper did not confirm is in doubt until the next listing of the queue; it is
 * never released twice on a guess, and the charge is never given back.
 */
import type { Clock } from './clock.ts';
import type { Desk } from './desk.ts';
import type { Flight, Flights } from './flights.ts';
import type { HeldRecord } from './item.ts';
import { type PaceLog, reasonOf } from './log.ts';
import type { Releaser } from './ports.ts';

export interface DeparturesParts {
  readonly clock: Clock;
  readonly desk: Desk;
  readonly flights: Flights;
  readonly releaser: Releaser;
  readonly log: PaceLog;
  /** Recipients that are still open, by provider. */
  readonly openOf: (record: HeldRecord) => Map<string, Set<string>>;
  /** Frees its places in the store. */
  readonly settle: (flight: Flight) => void;
  /** From the deferred queue, which it should have left. */
  readonly takeBack: (record: HeldRecord, why: string) => void;
  /** Something is in doubt: the queue should be listed soon. */
  readonly onDoubt: () => void;
  /** The helper can't be reached: nothing more is to be charged for that long. */
  readonly pause: (forMs: number) => void;
}

const PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;

export class Departures {
  readonly #parts: DeparturesParts;
  readonly #doubt = new Map<string, HeldRecord>();
  readonly #leaving = new Set<string>();
  #batch: HeldRecord[] = [];
  #failures = 0;
  /** What the release helper said when it failed last; undefined while it works. */
  #trouble: string | undefined;

  constructor(parts: DeparturesParts) {
    this.#parts = parts;
  }

  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** Asked for and not confirmed yet, or in doubt: not to be touched by the reconcile's other rules. */
  pending(queueId: string): boolean {
    return this.#leaving.has(queueId) || this.#doubt.has(queueId);
  }

  get doubtful(): ReadonlyMap<string, HeldRecord> {
    return this.#doubt;
  }

  /** Releases a message that was charged (or stays inside and needs no charge). */
  leave(record: HeldRecord): void {
    if (this.pending(record.queueId)) return;
    this.#leaving.add(record.queueId);
    this.#parts.flights.add({
      id: this.#parts.desk.idOf(record.queueId),
      record,
      open: this.#parts.openOf(record),
      sinceMs: this.#parts.clock.nowMs(),
    });
    this.#batch.push(record);
    // What the scheduler lets go in the same turn leaves in the same batch.
    if (this.#batch.length === 1) setImmediate(() => void this.#flush());
  }

  /** The listing found the message where it was: it waits again, before its sender's other mail. */
  stillHeld(queueId: string): void {
    const record = this.#doubt.get(queueId);
    if (record === undefined) return;
    this.#doubt.delete(queueId);
    // Its charge is spent; its places are not: others of the provider would wait for them for ever.
    const flight = this.#parts.flights.end(queueId);
    if (flight !== undefined) this.#parts.settle(flight);
    this.#parts.desk.hold(record, true);
    this.#parts.log.warn(
      { queueId },
      'release not confirmed, the message is still in hold: it waits again',
    );
  }

  /** The listing found it released, and perhaps nobody was woken for it: back to hold. */
  unwoken(queueId: string): void {
    const record = this.#doubt.get(queueId);
    this.#doubt.delete(queueId);
    if (record !== undefined) this.#parts.takeBack(record, 'its release was not confirmed');
  }

  /** The file has a new name: under the old one nothing was released. */
  renamed(queueId: string): void {
    this.#doubt.delete(queueId);
  }

  /** The listing found the message released, delivered or gone. */
  left(queueId: string): void {
    const record = this.#doubt.get(queueId);
    if (record === undefined) return;
    this.#doubt.delete(queueId);
    this.#released(record, 'seen in the queue');
  }

  async #flush(): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    const byId = new Map(batch.map((record) => [record.queueId, record]));
    try {
      const { confirmed, unconfirmed } = await this.#parts.releaser.release(batch);
      this.#works();
      for (const queueId of confirmed) {
        const record = byId.get(queueId);
        if (record !== undefined) this.#released(record, 'confirmed');
      }
      this.#doubted(unconfirmed, byId);
    } catch (error) {
      this.#fails(error);
      this.#doubted([...byId.keys()], byId);
    }
  }

  #released(record: HeldRecord, how: string): void {
    const { queueId, heldMs, lane, deferrals } = record;
    this.#leaving.delete(queueId);
    this.#parts.desk.forget(queueId);
    const waitedMs = Math.round(this.#parts.clock.nowMs() - heldMs);
    const providers = [...(this.#parts.flights.get(queueId)?.open.keys() ?? [])];
    this.#parts.log.info({ queueId, providers, lane, waitedMs, deferrals, how }, 'released');
  }

  #doubted(queueIds: readonly string[], byId: ReadonlyMap<string, HeldRecord>): void {
    for (const queueId of queueIds) {
      const record = byId.get(queueId);
      this.#leaving.delete(queueId);
      // Deleted or released by hand meanwhile: nothing to doubt.
      if (record === undefined || this.#parts.desk.record(queueId) === undefined) continue;
      this.#doubt.set(queueId, record);
    }
    if (this.#doubt.size > 0) this.#parts.onDoubt();
  }

  #works(): void {
    if (this.#trouble !== undefined) {
      this.#parts.log.info({ failures: this.#failures }, 'the release helper works again');
      this.#parts.pause(0);
    }
    this.#trouble = undefined;
    this.#failures = 0;
  }

  #fails(error: unknown): void {
    this.#failures++;
    const text = reasonOf(error);
    if (this.#trouble === undefined) {
      this.#parts.log.error(
        { error: text },
        'mail cannot be released: the helper fails; held mail waits',
      );
    }
    this.#trouble = text;
    this.#parts.pause(Math.min(LONGEST_PAUSE_MS, PAUSE_MS * 2 ** (this.#failures - 1)));
  }
}
