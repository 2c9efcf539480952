/**
 * After a restart: which messages are with Postfix without an outcome. The store kept their places;
 * the queue says which of them are still there and who they still go to.
 */
import type { Store } from '../store/store.ts';
import { audienceOf, type Target } from './audience.ts';
import type { Desk } from './desk.ts';
import type { Flights } from './flights.ts';
import type { Rehold } from './rehold.ts';
import type { HoldQueue } from './ports.ts';

export interface InheritParts {
  readonly host: string;
  readonly store: Store;
  readonly queue: HoldQueue;
  readonly settings: {
    readonly targetOf: (recipient: string) => Target | undefined;
    readonly laneOf: (sender: string) => string;
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
  if (places.size === 0) return;
  const left = new Map(places);
  for await (const message of parts.queue.list()) {
    const id = desk.idOf(message.queueId);
    const place = places.get(id);
    if (place === undefined) continue;
    left.delete(id);
    // Charged and not released when the daemon ended: it waits again, its place is free.
    if (message.queue === 'hold') {
      await settleAll(store, id, place.providers);
      continue;
    }
    const recipients = message.recipients.map(({ address }) => address.toLowerCase());
    const { byProvider } = audienceOf(recipients, parts.settings.targetOf);
    const record = {
      queueId: message.queueId,
      formerIds: [],
      sender: message.sender,
      recipients,
      lane: parts.settings.laneOf(message.sender),
      arrivedMs: message.arrivalSec * 1000,
      heldMs: place.sinceMs,
      why: 'under way when postpace was started',
      deferrals: 0,
      wasDeferred: message.queue === 'deferred',
      notBeforeMs: 0,
    };
    const open = new Map([...byProvider].map(([provider, some]) => [provider, new Set(some)]));
    flights.add({ id, sinceMs: place.sinceMs, open, record });
    if (message.queue === 'deferred') rehold.want(record, 'deferred before postpace was started');
  }
  for (const [id, { providers }] of left) await settleAll(store, id, providers);
}

async function settleAll(store: Store, id: string, providers: readonly string[]): Promise<void> {
  for (const provider of providers) await store.settle(provider, id);
}
