/**
 * Lets waiting mail go when its turn comes. One loop serves all providers, so that two decisions
 * never race. The head of a provider's line is tried; if the provider itself refuses, the line
 * waits for the time the store gave. If another provider keeps the head (it has recipients at
 * both), mail behind it may go as long as the head is not delayed by it: no provider is slowed down
 * for another one's sake, and a message with many recipients still gets its turn.
 *
 * A message with recipients at several providers is only asked for when its turn has come in all of
 * their lines: it is the head there, or nothing but another provider keeps it. So nobody is
 * overtaken at one provider by way of another.
 */
import { setImmediate } from 'node:timers/promises';
import type { Limits } from '../limit/limits.ts';
import type { Clock } from './clock.ts';
import { type Attempt, closes } from './gate.ts';
import type { Item } from './item.ts';
import type { ProviderQueue } from './lanes.ts';
import { LineUp } from './line-up.ts';
import { delaysHead } from './reserve.ts';

export interface SchedulerParts {
  readonly clock: Clock;
  /** One atomic charge of all the item's providers. */
  readonly attempt: (item: Item) => Promise<Attempt>;
  readonly limits: (provider: string) => Limits;
  /** The item was charged and leaves; must not throw. */
  readonly release: (item: Item, attempt: Attempt & { ok: true }) => void;
  /** The store failed: nothing was charged; asked again in a second. */
  readonly onTrouble: (error: unknown) => void;
  /** Waiting mail by lane, for the other hosts of the pool. */
  readonly announce: (provider: string, counts: readonly number[]) => void;
}

/** How far behind a head that another provider keeps the line is searched for mail that may go. */
const SEARCH = 32;
/** Releases of one provider in one go, before others get their turn. */
const BATCH = 50;
/** Lines looked at before other work gets its turn. */
const SLICE = 50;
/** setTimeout's longest wait. */
const LONGEST_MS = 60_000;

export class Scheduler {
  readonly #parts: SchedulerParts;
  readonly lineUp: LineUp;
  #timer: NodeJS.Timeout | undefined;
  #running = false;
  #again = false;
  #stopped = true;
  #pausedUntilUs = 0;

  constructor(parts: SchedulerParts) {
    this.#parts = parts;
    this.lineUp = new LineUp(parts.announce);
  }

  /** Whether fresh mail of this lane would overtake older mail at one of the providers. */
  waitsBefore(provider: string, lane: number): boolean {
    return this.lineUp.queue(provider)?.waitsBefore(lane) ?? false;
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
    for (const queue of this.lineUp.queues()) queue.call();
    this.#wakeUp();
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
          await this.#serve(queue);
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

  /** Lets go what may go at one provider, and sets when to look again. */
  async #serve(queue: ProviderQueue): Promise<void> {
    queue.kept.clear();
    queue.waitsFor = undefined;
    for (let left = BATCH; left > 0; left--) {
      const head = queue.next();
      if (head === undefined) {
        queue.nextUs = Infinity;
        return;
      }
      const { calls } = queue;
      const attempt = await this.#try(queue, head);
      if (attempt.ok) continue;
      const untilUs = await this.#refused(queue, head, attempt);
      queue.nextUs = queue.calls === calls ? untilUs : 0;
      return;
    }
    queue.nextUs = 0;
  }

  /** The head stays. Says when to look again. */
  async #refused(
    queue: ProviderQueue,
    head: Item,
    refusal: Attempt & { ok: false },
  ): Promise<number> {
    const { cause } = refusal;
    const untilUs = this.#parts.clock.nowUs() + refusal.waitUs;
    if (cause.provider === queue.provider) {
      this.lineUp.park(head, undefined);
      return untilUs;
    }
    queue.waitsFor = cause.provider;
    this.#keep(queue, head, refusal);
    // Nobody knows when a suspended or troubled provider takes mail again.
    const headUs = cause.kind === 'trouble' ? Infinity : untilUs;
    return Math.min(untilUs, await this.#behind(queue, head, headUs, refusal));
  }

  /** Its turn has come here; another provider keeps it, and it leaves when that one takes it. */
  #keep(queue: ProviderQueue, item: Item, { cause, waitUs }: Attempt & { ok: false }): void {
    queue.kept.add(item);
    const lasting = cause.kind === 'trouble' || waitUs === Infinity;
    this.lineUp.park(item, lasting ? cause.provider : undefined);
  }

  /** Mail behind a head that another provider keeps until `headUs`. Says when to look again. */
  async #behind(
    queue: ProviderQueue,
    head: Item,
    headUs: number,
    refusal: Attempt & { ok: false },
  ): Promise<number> {
    const { clock, limits } = this.#parts;
    const debt = refusal.debts.find(({ provider }) => provider === queue.provider);
    const closed = new Map<string, Attempt & { ok: false }>();
    if (closes(refusal)) closed.set(refusal.cause.provider, refusal);
    let searched = 0;
    let againUs = headUs;
    for (const item of queue.inTurn()) {
      if (item === head) continue;
      if (searched > SEARCH) return clock.nowUs() + 1_000_000;
      const inForce = limits(queue.provider);
      if (delaysHead(inForce, debt, item, head, clock.nowUs(), headUs)) {
        searched++;
        continue;
      }
      const shut = item.shares.find(({ provider }) => closed.has(provider));
      const known = shut && closed.get(shut.provider);
      const attempt = known ?? (await this.#try(queue, item));
      // One has gone: the line is looked at afresh, from its head.
      if (attempt.ok) return 0;
      if (attempt.cause.provider === queue.provider) return clock.nowUs() + attempt.waitUs;
      this.#keep(queue, item, attempt);
      againUs = Math.min(againUs, clock.nowUs() + attempt.waitUs);
      // What costs no question to the store is looked past, however much it is.
      if (attempt.cause.kind !== 'waiting' && known === undefined) searched++;
      if (closes(attempt)) closed.set(attempt.cause.provider, attempt);
    }
    return againUs;
  }

  async #try(queue: ProviderQueue, item: Item): Promise<Attempt> {
    const elsewhere = this.lineUp.behindOthersAt(item, queue.provider);
    // That line tries it when its turn comes there.
    if (elsewhere !== undefined) return notYetAt(elsewhere);
    const attempt = await this.#parts.attempt(item);
    // While the store was asked the message may have been released or deleted by hand: it was
    // charged for nothing then, which costs its intervals and never more.
    if (!attempt.ok || !item.waiting) return attempt;
    const queues = item.shares.map(({ provider }) => this.lineUp.queue(provider));
    this.remove(item.id);
    for (const one of queues) one?.rotate(item);
    this.#parts.release(item, attempt);
    return attempt;
  }
}

function notYetAt(provider: string): Attempt & { ok: false } {
  return { ok: false, waitUs: Infinity, cause: { kind: 'waiting', provider }, debts: [] };
}
