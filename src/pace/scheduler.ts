/**
 * Lets waiting mail go when its turn comes. One loop serves all providers, so that two decisions
 * never race; turns.ts says whose turn it is.
 */
import { setImmediate } from 'node:timers/promises';
import type { Attempt } from './gate.ts';
import type { Item } from './item.ts';
import { type Announce, LineUp } from './line-up.ts';
import { Turns, type TurnParts } from './turns.ts';

export interface SchedulerParts extends TurnParts {
  /** The store failed: nothing was charged; asked again in a second. */
  readonly onTrouble: (error: unknown) => void;
  /** Waiting mail by lane, for the other hosts of the pool. */
  readonly announce: Announce;
}

/** Lines looked at before other work gets its turn. */
const SLICE = 50;
/** setTimeout's longest wait. */
const LONGEST_MS = 60_000;

export class Scheduler {
  readonly #parts: SchedulerParts;
  readonly lineUp: LineUp;
  readonly #turns: Turns;
  #timer: NodeJS.Timeout | undefined;
  #running = false;
  #again = false;
  #stopped = true;
  #pausedUntilUs = 0;

  constructor(parts: SchedulerParts) {
    this.#parts = parts;
    this.lineUp = new LineUp(parts.announce);
    this.#turns = new Turns(parts, this.lineUp);
  }

  /**
   * Whose older mail fresh mail of this lane and sender would overtake at the provider: the sender's
   * own that waits for its limit, or other mail; undefined: nobody's.
   */
  waitsBefore(provider: string, lane: number, sender: string): 'sender' | 'others' | undefined {
    const queue = this.lineUp.queue(provider);
    if (queue === undefined) return undefined;
    if (queue.waitsLimited(lane, sender)) return 'sender';
    // Whatever waits is a better probe than what comes fresh in a better lane.
    if (this.#parts.probing(provider) && queue.size > 0) return 'others';
    return queue.waitsBefore(lane) ? 'others' : undefined;
  }

  /** Whether the message waits for its sender's own limit at the provider. */
  isLimited(provider: string, id: string): boolean {
    const item = this.lineUp.get(id);
    return item !== undefined && (this.lineUp.queue(provider)?.isLimited(item) ?? false);
  }

  /** The message was refused by its sender's own limit before it came here. */
  limited(id: string, refusal: Attempt & { ok: false }): void {
    const item = this.lineUp.get(id);
    // Where the sender's mail on another host is the reason, its own time is not known yet.
    if (item !== undefined && Number.isFinite(refusal.waitUs)) this.#turns.limit(item, refusal);
  }

  /** `first`: before its sender's other mail (it had its turn already). */
  add(item: Item, first = false): void {
    this.lineUp.add(item, first);
    this.#wakeUp();
  }

  /** Takes an item out, wherever it is in its lines. */
  remove(id: string): Item | undefined {
    return this.lineUp.remove(id);
  }

  /** Something changed at the provider (an outcome, a control, its health): look again. */
  wake(provider: string): void {
    const queue = this.lineUp.queue(provider);
    if (queue === undefined) return;
    queue.call();
    // A head elsewhere may be waiting for this provider.
    for (const other of this.lineUp.queues()) {
      if (other.waitsFor === provider) other.call();
    }
    this.#wakeUp();
  }

  wakeAll(): void {
    for (const { provider } of this.lineUp.queues()) this.reopen(provider);
  }

  /** Limits changed at the provider: senders that were at theirs may not be any more. */
  reopen(provider: string): void {
    this.lineUp.queue(provider)?.open(Infinity);
    this.wake(provider);
  }

  /** Nothing leaves before then (the release helper fails): a charge would be wasted. */
  pause(untilUs: number): void {
    this.#pausedUntilUs = untilUs;
    this.#wakeUp();
  }

  start(): void {
    this.#stopped = false;
    this.#wakeUp();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #wakeUp(): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    if (this.#running) this.#again = true;
    else this.#timer = setTimeout(() => void this.#run(), 0);
  }

  async #run(): Promise<void> {
    if (this.#running || this.#stopped) return;
    this.#running = true;
    try {
      do {
        this.#again = false;
        const nowUs = this.#parts.clock.nowUs();
        if (nowUs < this.#pausedUntilUs) break;
        let served = 0;
        for (const queue of this.lineUp.queues()) {
          if (queue.nextUs > nowUs) continue;
          await this.#turns.serve(queue);
          if (++served % SLICE === 0) await setImmediate();
          if (this.#stopped) return;
        }
      } while (this.#again);
    } catch (error) {
      this.#parts.onTrouble(error);
      this.#pausedUntilUs = this.#parts.clock.nowUs() + 1_000_000;
    } finally {
      this.#running = false;
    }
    this.#sleep();
  }

  #sleep(): void {
    if (this.#stopped) return;
    let nextUs = Infinity;
    for (const queue of this.lineUp.queues()) nextUs = Math.min(nextUs, queue.nextUs);
    nextUs = Math.max(nextUs, this.#pausedUntilUs);
    const waitMs = Math.ceil((nextUs - this.#parts.clock.nowUs()) / 1000);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#run(), Math.max(0, Math.min(LONGEST_MS, waitMs)));
  }
}
