/**
 * Whose turn it is at one provider. If the provider itself refuses the head of its line, the line
 * waits for the time the store gave. If another provider keeps the head (it has recipients at
 * both), mail behind it may go as long as the head is not delayed by it: no provider is slowed down
 * for another one's sake, and a message with many recipients still gets its turn. If it is the head's
 * sender that is at its own limit, the sender steps aside with all of its mail.
 *
 * A message with recipients at several providers is only asked for when its turn has come in all of
 * their lines: it is the head there, or nothing but another provider keeps it. So nobody is
 * overtaken at one provider by way of another.
 */
import type { Limits } from '../limit/limits.ts';
import type { Clock } from './clock.ts';
import { type Attempt, closes, isSenders } from './gate.ts';
import type { Item } from './item.ts';
import type { ProviderQueue } from './lanes.ts';
import type { LineUp } from './line-up.ts';
import { delaysHead } from './reserve.ts';

export interface TurnParts {
  readonly clock: Clock;
  /** One atomic charge of all the item's providers. */
  readonly attempt: (item: Item) => Promise<Attempt>;
  readonly limits: (provider: string) => Limits;
  /** Stopped, or half open: what leaves for it is a probe. */
  readonly probing: (provider: string) => boolean;
  /** The item was charged and leaves; must not throw. */
  readonly release: (item: Item, attempt: Attempt & { ok: true }) => void;
}

/** How far behind a head that another provider keeps the line is searched for mail that may go. */
const SEARCH = 32;
/** Releases of one provider in one go, before others get their turn. */
const BATCH = 50;

export class Turns {
  readonly #parts: TurnParts;
  readonly lineUp: LineUp;

  constructor(parts: TurnParts, lineUp: LineUp) {
    this.#parts = parts;
    this.lineUp = lineUp;
  }

  /** Lets go what may go at one provider, and sets when to look again. */
  async serve(queue: ProviderQueue): Promise<void> {
    queue.kept.clear();
    queue.waitsFor = undefined;
    queue.open(this.#parts.clock.nowUs());
    for (let left = BATCH; left > 0; left--) {
      const head = this.#parts.probing(queue.provider) ? queue.probe() : queue.next();
      if (head === undefined) {
        queue.nextUs = queue.opensUs;
        return;
      }
      const { calls } = queue;
      const attempt = await this.#try(queue, head);
      if (attempt.ok) continue;
      if (isSenders(attempt)) {
        this.limit(head, attempt);
        // At this provider its whole line steps aside, and it is another sender's turn.
        if (attempt.cause.provider === queue.provider) continue;
      }
      const untilUs = Math.min(await this.#refused(queue, head, attempt), queue.opensUs);
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
      this.lineUp.unlimit(head, queue);
      return untilUs;
    }
    queue.waitsFor = cause.provider;
    this.#keep(queue, head, refusal);
    // Nobody knows when a suspended or troubled provider takes mail again, and nobody else's mail is
    // put off for a sender that is at its own limit.
    const headUs = cause.kind === 'trouble' || isSenders(refusal) ? Infinity : untilUs;
    return Math.min(untilUs, await this.#behind(queue, head, headUs, refusal));
  }

  /** Its turn has come here; another provider keeps it, and it leaves when that one takes it. */
  #keep(queue: ProviderQueue, item: Item, refusal: Attempt & { ok: false }): void {
    const { cause, waitUs } = refusal;
    queue.kept.add(item);
    const lasting = cause.kind === 'trouble' || waitUs === Infinity || isSenders(refusal);
    this.lineUp.park(item, lasting ? cause.provider : undefined);
  }

  /** The item's sender is at its own limit. */
  limit(item: Item, { cause, waitUs }: Attempt & { ok: false }): void {
    this.lineUp.limit(item, cause.provider, this.#parts.clock.nowUs() + waitUs);
  }

  /** Mail behind a head that another provider keeps until `headUs`. Says when to look again. */
  async #behind(
    queue: ProviderQueue,
    head: Item,
    headUs: number,
    refusal: Attempt & { ok: false },
  ): Promise<number> {
    const { clock, limits } = this.#parts;
    const debt = refusal.debts.find(
      ({ provider, sender }) => provider === queue.provider && sender === undefined,
    );
    const closed = new Map<string, Attempt & { ok: false }>();
    if (closes(refusal)) closed.set(refusal.cause.provider, refusal);
    let searched = 0;
    let againUs = headUs;
    for (const item of queue.ready()) {
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
      if (isSenders(attempt)) this.limit(item, attempt);
      else if (attempt.cause.provider === queue.provider) return clock.nowUs() + attempt.waitUs;
      if (attempt.cause.provider !== queue.provider) this.#keep(queue, item, attempt);
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
    this.lineUp.remove(item.id);
    for (const one of queues) one?.rotate(item);
    this.#parts.release(item, attempt);
    return attempt;
  }
}

function notYetAt(provider: string): Attempt & { ok: false } {
  return { ok: false, waitUs: Infinity, cause: { kind: 'waiting', provider }, debts: [] };
}
