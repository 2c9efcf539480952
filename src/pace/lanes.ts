/**
 * The waiting mail of one provider: lanes, best first; inside a lane senders take turns, and each
 * sender's mail leaves oldest first. Items are removed lazily: one that no longer waits is skipped.
 *
 * A sender that is at its own limit steps aside with its mail: its line is closed until the limit
 * has room again, others have their turns, and no fresh mail but its own waits behind it.
 */
import type { Item } from './item.ts';
import { SenderLine } from './sender-line.ts';

type Lane = Map<string, SenderLine>;

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
  readonly #closed = new Set<SenderLine>();
  /** Senders of which ownCounts last said that something waits. */
  readonly #said = new Set<string>();
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

  /** Whether mail waits in this lane or a better one, that of senders at their limit left out. */
  waitsBefore(lane: number): boolean {
    for (let index = 0; index <= lane; index++) if ((this.#counts[index] ?? 0) > 0) return true;
    return false;
  }

  /** Whether the sender's own mail waits for its limit, in this lane or a better one. */
  waitsLimited(lane: number, sender: string): boolean {
    return this.#lanes.some(
      (lines, index) => index <= lane && (lines.get(sender)?.limitedCount ?? 0) > 0,
    );
  }

  isLimited(item: Item): boolean {
    return this.#lineOf(item)?.isLimited ?? false;
  }

  /**
   * What waits of a sender for its own limit, by lane; undefined where nothing does and nothing did
   * when it was asked before.
   */
  ownCounts(sender: string): readonly number[] | undefined {
    const counts = this.#lanes.map((lines) => lines.get(sender)?.limitedCount ?? 0);
    if (counts.some((count) => count > 0)) this.#said.add(sender);
    else if (!this.#said.delete(sender)) return undefined;
    return counts;
  }

  /** Senders at their own limit, each with all of its mail that waits in such a line. */
  *limited(): Generator<{ readonly sender: string; readonly items: readonly Item[] }> {
    for (const lines of this.#lanes) {
      for (const [sender, line] of lines) {
        const items = line.isLimited ? line.items.filter(({ waiting }) => waiting) : [];
        if (items.length > 0) yield { sender, items };
      }
    }
  }

  /** `first`: before the sender's other mail (it had its turn already). */
  add(item: Item, first: boolean): void {
    const lane = this.#lane(item.lane);
    let line = lane.get(item.sender);
    if (line === undefined) {
      line = new SenderLine();
      lane.set(item.sender, line);
    }
    if (first) line.items.unshift(item);
    else line.items.push(item);
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

  #lineOf(item: Item): SenderLine | undefined {
    return this.#lanes[item.lane]?.get(item.sender);
  }

  /** The item left, or was taken away: the caller has set waiting to false. */
  dropped(item: Item): void {
    this.#size--;
    this.kept.delete(item);
    if (item.parkedBy === undefined || item.parkedBy === this.provider) this.count(item, -1);
  }

  /** Counts an item in or out of what fresh mail must wait for. */
  count(item: Item, by: 1 | -1): void {
    const line = this.#lineOf(item);
    if (line !== undefined) line.counted += by;
    if (line?.isLimited !== true) this.#add(item.lane, by);
  }

  #add(lane: number, by: number): void {
    this.#counts[lane] = (this.#counts[lane] ?? 0) + by;
  }

  /** Its sender is at its own limit until then (on the scheduler's clock). */
  limit(item: Item, untilUs: number): void {
    const line = this.#lineOf(item);
    if (line === undefined) return;
    line.opensUs = untilUs;
    this.#closed.add(line);
    if (line.isLimited) return;
    line.isLimited = true;
    this.#add(item.lane, -line.counted);
  }

  /** Something else than its sender's limit keeps it: what is fresh waits behind it. */
  unlimit(item: Item): void {
    const line = this.#lineOf(item);
    if (line?.isLimited !== true) return;
    line.isLimited = false;
    this.#add(item.lane, line.counted);
  }

  /** Opens the lines whose time has come; Infinity: all of them. */
  open(nowUs: number): void {
    for (const line of this.#closed) {
      if (line.opensUs > nowUs) continue;
      line.opensUs = 0;
      this.#closed.delete(line);
    }
  }

  /** When the next line opens; Infinity: none is closed. */
  get opensUs(): number {
    let firstUs = Infinity;
    for (const { opensUs } of this.#closed) firstUs = Math.min(firstUs, opensUs);
    return firstUs;
  }

  /** The one whose turn it is. */
  next(): Item | undefined {
    for (const item of this.ready()) return item;
    return undefined;
  }

  /**
   * The one that is risked to learn whether the provider takes mail again: of the least valuable lane,
   * one with a single recipient. One that is the provider's by its MX alone only where there is no
   * other: what refuses it speaks for its own domain. Where there is none, the one whose turn it is.
   */
  probe(): Item | undefined {
    let member: Item | undefined;
    for (const lane of this.#lanes.toReversed()) {
      for (const item of this.#inTurn([lane], false)) {
        const [share, another] = item.shares;
        if (share?.recipients !== 1 || another !== undefined) continue;
        if (share.members === undefined) return item;
        member ??= item;
      }
    }
    return member ?? this.next();
  }

  /** The sender had its turn: its other mail waits until the lane's other senders had theirs. */
  rotate(item: Item): void {
    const lane = this.#lanes[item.lane];
    const line = this.#lineOf(item);
    if (lane === undefined || line === undefined) return;
    lane.delete(item.sender);
    line.remove(item);
    if (line.items.length > 0) lane.set(item.sender, line);
    else this.#closed.delete(line);
  }

  /** All that wait, in the order of their turns as it stands. */
  inTurn(): Generator<Item> {
    return this.#inTurn(this.#lanes, true);
  }

  /** The same without the senders that are at their limit just now. */
  ready(): Generator<Item> {
    return this.#inTurn(this.#lanes, false);
  }

  *#inTurn(lanes: readonly Lane[], closedToo: boolean): Generator<Item> {
    for (const lane of lanes) {
      for (let round = 0, more = true; more; round++) {
        more = false;
        for (const [sender, line] of lane) {
          if (round === 0 && line.prune()) {
            lane.delete(sender);
            this.#closed.delete(line);
          }
          const item = line.items[round];
          if (item === undefined) continue;
          if (!closedToo && line.opensUs > 0) continue;
          more = true;
          if (item.waiting) yield item;
        }
      }
    }
  }
}
