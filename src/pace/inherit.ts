/**
 * After a restart: which messages are with Postfix without an outcome. The store kept their places;
 * the queue says which of them are still there and who they still go to. Those in the deferred queue
 * go back to hold: a provider deferred them, or they were released and nobody was woken for them.
 */
import type { Origin } from '../mail/origin.ts';
import type { Store } from '../store/store.ts';
import { audienceOf, type TargetOf } from './audience.ts';
import type { Desk } from './desk.ts';
import type { Flights } from './flights.ts';
import type { Grouped } from './item.ts';
import type { Rehold } from './rehold.ts';
import type { HoldQueue, QueuedMessage } from './ports.ts';

export interface InheritParts {
  readonly host: string;
  readonly store: Store;
  readonly queue: HoldQueue;
  readonly settings: {
    readonly targetOf: TargetOf;
    readonly groupedOf: (recipients: readonly string[]) => Grouped | undefined;
    readonly laneOf: (origin: Origin) => string;
    readonly prepare: (recipients: readonly string[]) => Promise<void> | undefined;
  };
}

export async function readInherited(
  parts: InheritParts,
  flights: Flights,
  desk: Desk,
  rehold: Rehold,
): Promise<void> {
  const { store, host } = parts;
  const prefix = `${host}/`;
  const places = new Map<string, { readonly sinceMs: number; readonly providers: string[] }>();
  for (const provider of await store.providers()) {
    for (const { id, sinceUs } of await store.inFlight(provider)) {
      if (!id.startsWith(prefix)) continue;
      const place = places.get(id) ?? { sinceMs: sinceUs / 1000, providers: [] };
      place.providers.push(provider);
      places.set(id, place);
    }
  }
  if (places.size === 0 && desk.size === 0) return;
  const left = new Map(places);
  for await (const message of parts.queue.list()) {
    const { queueId } = message;
    const id = desk.idOf(queueId);
    const place = places.get(id);
    const held = desk.record(queueId);
    if (held !== undefined && message.queue === 'deferred' && !rehold.wants(queueId)) {
      const recipients = message.recipients.map(({ address }) => address.toLowerCase());
      const why = 'released when postpace ended';
      rehold.want({ ...held, recipients }, why, !message.recipients.some(wasTried));
    }
    if (place === undefined) continue;
    left.delete(id);
    // Charged and not released when the daemon ended: it waits again, its place is free.
    if (message.queue === 'hold') {
      await settleAll(store, id, place.providers);
      continue;
    }
    const recipients = message.recipients.map(({ address }) => address.toLowerCase());
    await parts.settings.prepare(recipients);
    const grouped = asCounted(parts.settings.groupedOf(recipients), recipients, place.providers);
    const { byProvider } = audienceOf(recipients, parts.settings.targetOf, grouped);
    const record = {
      queueId: message.queueId,
      formerIds: [],
      sender: message.sender,
      recipients,
      lane: parts.settings.laneOf({ sender: message.sender }),
      arrivedMs: message.arrivalSec * 1000,
      heldMs: place.sinceMs,
      why: 'under way when postpace was started',
      deferrals: 0,
      wasDeferred: message.queue === 'deferred',
      notBeforeMs: 0,
      grouped,
    };
    const open = new Map([...byProvider].map(([provider, some]) => [provider, new Set(some)]));
    flights.add({ id, sinceMs: place.sinceMs, open, record });
    if (message.queue === 'deferred' && !rehold.wants(queueId)) {
      const why = 'deferred before postpace was started';
      rehold.want(record, why, !message.recipients.some(wasTried));
    }
  }
  // The first wake-up for what is released next would take them along, at nobody's pace.
  await rehold.now();
  for (const [id, { providers }] of left) await settleAll(store, id, providers);
}

/** The place of a message with one recipient tells for whom it was counted; DNS may differ by now. */
function asCounted(
  grouped: Grouped | undefined,
  recipients: readonly string[],
  providers: readonly string[],
): Grouped | undefined {
  const [only, ...others] = providers;
  if (recipients.length > 1 || only === undefined || others.length > 0) return grouped;
  return grouped?.map(([destination]) => [destination, only]);
}

function wasTried({ delayReason }: QueuedMessage['recipients'][number]): boolean {
  return delayReason !== undefined;
}

async function settleAll(store: Store, id: string, providers: readonly string[]): Promise<void> {
  for (const provider of providers) await store.settle(provider, id);
}
