/** All that waits, by message and by provider: what the scheduler chooses from. */
import type { Item } from './item.ts';
import { ProviderQueue } from './lanes.ts';

/**
 * Told what waits for a provider, by lane, whenever it changes. With a sender: what of its mail waits
 * for its own limit there, which is not among the others.
 */
export type Announce = (provider: string, counts: readonly number[], sender?: string) => void;

export class LineUp {
  readonly #queues = new Map<string, ProviderQueue>();
  readonly #items = new Map<string, Item>();
  readonly #announce: Announce;

  constructor(announce: Announce) {
    this.#announce = announce;
  }

  get size(): number {
    return this.#items.size;
  }

  get(id: string): Item | undefined {
    return this.#items.get(id);
  }

  items(): IterableIterator<Item> {
    return this.#items.values();
  }

  queue(provider: string): ProviderQueue | undefined {
    return this.#queues.get(provider);
  }

  queues(): IterableIterator<ProviderQueue> {
    return this.#queues.values();
  }

  providers(): IterableIterator<string> {
    return this.#queues.keys();
  }

  /** Another provider than this one, in whose line others come before the message. */
  behindOthersAt(item: Item, than: string): string | undefined {
    for (const { provider } of item.shares) {
      const queue = this.#queues.get(provider);
      if (provider === than || queue === undefined) continue;
      if (!queue.kept.has(item) && queue.next() !== item) return provider;
    }
    return undefined;
  }

  /** `first`: before its sender's other mail (it had its turn already). */
  add(item: Item, first: boolean): void {
    this.remove(item.id);
    this.#items.set(item.id, item);
    for (const { provider } of item.shares) {
      let queue = this.#queues.get(provider);
      if (queue === undefined) {
        queue = new ProviderQueue(provider);
        this.#queues.set(provider, queue);
      }
      queue.add(item, first);
      // A line that waits for its own time keeps waiting, unless the newcomer is now at its head.
      if (queue.next() === item || queue.waitsFor !== undefined) queue.call();
      this.#tell(queue, item);
    }
  }

  /** Takes an item out, wherever it is in its lines. */
  remove(id: string): Item | undefined {
    const item = this.#items.get(id);
    if (item === undefined) return undefined;
    this.#items.delete(id);
    item.waiting = false;
    for (const { provider } of item.shares) {
      const queue = this.#queues.get(provider);
      if (queue === undefined) continue;
      queue.dropped(item);
      if (queue.size === 0) this.#queues.delete(provider);
      this.#tell(queue, item);
    }
    return item;
  }

  /** Mail that another provider keeps for an unknown time is not what fresh mail must wait for. */
  park(item: Item, by: string | undefined): void {
    if (item.parkedBy === by) return;
    for (const { provider } of item.shares) {
      const queue = this.#queues.get(provider);
      if (queue === undefined) continue;
      const counted = item.parkedBy === undefined || item.parkedBy === provider;
      const counts = by === undefined || by === provider;
      if (counted !== counts) queue.count(item, counts ? 1 : -1);
      this.#tell(queue, item);
    }
    item.parkedBy = by;
  }

  /** Its sender is at its own limit at this provider until then: its line steps aside there. */
  limit(item: Item, provider: string, untilUs: number): void {
    this.park(item, provider);
    const queue = this.#queues.get(provider);
    if (queue === undefined) return;
    queue.limit(item, untilUs);
    this.#tell(queue, item);
  }

  /** The provider itself keeps it, and no longer its sender's limit. */
  unlimit(item: Item, queue: ProviderQueue): void {
    queue.unlimit(item);
    this.#tell(queue, item);
  }

  #tell(queue: ProviderQueue, { sender }: Item): void {
    this.#announce(queue.provider, queue.counts);
    const own = queue.ownCounts(sender);
    if (own !== undefined) this.#announce(queue.provider, own, sender);
  }
}
