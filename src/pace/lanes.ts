/**
 * The waiting mail of one provider: lanes, best first; inside a lane senders take turns, and each
 * sender's mail leaves oldest first. Items are removed lazily: one that no longer waits is skipped.
 */
import type { Item } from './item.ts';

type Lane = Map<string, Item[]>;

export class ProviderQueue {
  readonly provider: string;
  /** When to look again, on the scheduler's clock; 0 at once, Infinity on an event. */
  nextUs = 0;
  /** Counts what called for a new look, so that one that comes during a look is not lost. */
  calls = 0;
  /** Another provider that keeps the head. */
  waitsFor: string | undefined;
  /** Messages whose turn has come here and that another provider keeps, as of the last look. */
  readonly kept = new Set<Item>();
  readonly #lanes: Lane[] = [];
  readonly #counts: number[] = [];
  #size = 0;

  constructor(provider: string) {
    this.provider = provider;
  }

  get size(): number {
    return this.#size;
  }

  /** It is to be looked at now, and again if it is being looked at. */
  call(): void {
    this.nextUs = 0;
    this.calls++;
  }

  /** Waiting messages by lane that fresh mail must not overtake. */
  get counts(): readonly number[] {
    return this.#counts;
  }

  /** Whether mail waits in this lane or a better one. */
  waitsBefore(lane: number): boolean {
    for (let index = 0; index <= lane; index++) if ((this.#counts[index] ?? 0) > 0) return true;
    return false;
  }

  /** `first`: before the sender's other mail (it had its turn already). */
  add(item: Item, first: boolean): void {
    const lane = this.#lane(item.lane);
    const mails = lane.get(item.record.sender);
    if (mails === undefined) lane.set(item.record.sender, [item]);
    else if (first) mails.unshift(item);
    else mails.push(item);
    this.#size++;
    this.count(item, 1);
  }

  #lane(index: number): Lane {
    for (;;) {
      const lane = this.#lanes[index];
      if (lane !== undefined) return lane;
      this.#lanes.push(new Map());
      this.#counts.push(0);
    }
  }

  /** The item left, or was taken away: the caller has set waiting to false. */
  dropped(item: Item): void {
    this.#size--;
    this.kept.delete(item);
    if (item.parkedBy === undefined || item.parkedBy === this.provider) this.count(item, -1);
  }

  /** Counts an item in or out of what fresh mail must wait for. */
  count(item: Item, by: 1 | -1): void {
    this.#counts[item.lane] = (this.#counts[item.lane] ?? 0) + by;
  }

  /** The one whose turn it is. */
  next(): Item | undefined {
    for (const item of this.inTurn()) return item;
    return undefined;
  }

  /** The sender had its turn: its other mail waits until the lane's other senders had theirs. */
  rotate(item: Item): void {
    const lane = this.#lanes[item.lane];
    const mails = lane?.get(item.record.sender);
    if (lane === undefined || mails === undefined) return;
    lane.delete(item.record.sender);
    const rest = mails.filter((one) => one !== item);
    if (rest.length > 0) lane.set(item.record.sender, rest);
  }

  /** All that wait, in the order of their turns as it stands. */
  *inTurn(): Generator<Item> {
    for (const lane of this.#lanes) {
      for (let round = 0, more = true; more; round++) {
        more = false;
        for (const [sender, mails] of lane) {
          if (round === 0) prune(lane, sender, mails);
          const item = mails[round];
          if (item === undefined) continue;
          more = true;
          if (item.waiting) yield item;
        }
      }
    }
  }
}

/** Forgets what left from the head of a sender's line, and the sender when nothing is left. */
function prune(lane: Lane, sender: string, mails: Item[]): void {
  let gone = 0;
  while (gone < mails.length && mails[gone]?.waiting === false) gone++;
  if (gone === mails.length) lane.delete(sender);
  if (gone > 0) mails.splice(0, gone);
}
