import { senderKey } from '../mail/origin.ts';

/** Senders by queue id, as the queue manager's `from=` lines tell: the oldest are forgotten. */
const MOST = 10_000;

export class Senders {
  readonly #of = new Map<string, string>();

  remember(queueId: string, sender: string): void {
    this.#of.delete(queueId);
    this.#of.set(queueId, sender);
    const oldest = this.#of.size > MOST ? this.#of.keys().next() : undefined;
    if (oldest?.done === false) this.#of.delete(oldest.value);
  }

  /** '' when it is not known, as for the null sender. */
  of(queueId: string): string {
    return this.#of.get(queueId) ?? '';
  }

  /** As whom it counts; undefined when it is not known. */
  keyOf(queueId: string): string | undefined {
    const sender = this.of(queueId);
    return sender === '' ? undefined : senderKey({ sender });
  }

  forget(queueId: string): void {
    this.#of.delete(queueId);
  }
}
