/**
 * Ids over the split set-up: the application saw one, each of the messages it became has its own.
 * From the log's orig_queue_id; the oldest are forgotten.
 */
const MOST = 50_000;

export class Successors {
  readonly #of = new Map<string, string[]>();
  #size = 0;

  add(originalId: string, queueId: string): void {
    const ids = this.#of.get(originalId);
    if (ids === undefined) this.#of.set(originalId, [queueId]);
    else if (ids.includes(queueId)) return;
    else ids.push(queueId);
    this.#size++;
    for (const [oldest, found] of this.#of) {
      if (this.#size <= MOST) return;
      this.#of.delete(oldest);
      this.#size -= found.length;
    }
  }

  of(queueId: string): readonly string[] {
    return this.#of.get(queueId) ?? [];
  }
}
