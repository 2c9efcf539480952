/**
 * Messages that are with Postfix without an outcome yet: passed or released, not yet delivered,
 * bounced or deferred. Knows which recipients are still open, so that a message that one provider
 * deferred is charged only for what is left of it.
 */
import type { HeldRecord } from './item.ts';

export interface Flight {
  /** The name under which the store keeps its in_flight places. */
  readonly id: string;
  readonly record: HeldRecord;
  /** Open recipients by provider. */
  readonly open: Map<string, Set<string>>;
  readonly sinceMs: number;
  /** Came by the door of tempfail mode: deferred mail stays with Postfix, nobody holds it. */
  readonly byDoor?: boolean;
}

/** What one outcome changes. */
export interface Landing {
  /** Providers at which the message has all its outcomes now. */
  readonly settled: readonly string[];
  /** No recipient is open any more. */
  readonly done: boolean;
}

export class Flights {
  readonly #flights = new Map<string, Flight>();

  get size(): number {
    return this.#flights.size;
  }

  get(queueId: string): Flight | undefined {
    return this.#flights.get(queueId);
  }

  ids(): IterableIterator<string> {
    return this.#flights.keys();
  }

  add(flight: Flight): void {
    this.#flights.set(flight.record.queueId, flight);
  }

  /** The recipient has its final outcome. */
  land(queueId: string, provider: string, recipient: string): Landing {
    const flight = this.#flights.get(queueId);
    const open = flight?.open.get(provider);
    if (flight === undefined || open === undefined) return { settled: [], done: false };
    open.delete(recipient.toLowerCase());
    const settled: string[] = [];
    if (open.size === 0) {
      flight.open.delete(provider);
      settled.push(provider);
    }
    if (flight.open.size > 0) return { settled, done: false };
    this.#flights.delete(queueId);
    return { settled, done: true };
  }

  /** The message left the queue, or went back to hold: nothing of it is open any more. */
  end(queueId: string): Flight | undefined {
    const flight = this.#flights.get(queueId);
    this.#flights.delete(queueId);
    return flight;
  }

  rename(from: string, to: string): void {
    const flight = this.#flights.get(from);
    if (flight === undefined) return;
    this.#flights.delete(from);
    const { record } = flight;
    const formerIds = [...record.formerIds, from];
    this.#flights.set(to, { ...flight, record: { ...record, queueId: to, formerIds } });
  }
}

/** Recipients without an outcome, at all providers. */
export function openIn({ open }: Flight): readonly string[] {
  return [...open.values()].flatMap((some) => [...some]);
}

/** Where one of these addresses, the first that is, has no outcome yet. */
export function openAt(
  flight: Flight,
  addresses: readonly (string | undefined)[],
): { readonly provider: string; readonly recipient: string } | undefined {
  for (const address of addresses) {
    const recipient = address?.toLowerCase();
    if (recipient === undefined) continue;
    for (const [provider, open] of flight.open) {
      if (open.has(recipient)) return { provider, recipient };
    }
  }
  return undefined;
}
