/** What waits of one sender in one lane of a provider, oldest first. */
import type { Item } from './item.ts';

export class SenderLine {
  readonly items: Item[] = [];
  /** Those of them that fresh mail must not overtake. */
  counted = 0;
  /** The sender was at its own limit when it was last asked for. */
  isLimited = false;
  /** Until then it is not asked for, on the scheduler's clock; 0: it is open. */
  opensUs = 0;

  /** Those that only the sender's own fresh mail must not overtake. */
  get limitedCount(): number {
    return this.isLimited ? this.counted : 0;
  }

  /** Forgets what left from the head of the line. Says whether nothing is left. */
  prune(): boolean {
    let gone = 0;
    while (gone < this.items.length && this.items[gone]?.waiting === false) gone++;
    if (gone > 0) this.items.splice(0, gone);
    return this.items.length === 0;
  }

  remove(item: Item): void {
    const at = this.items.indexOf(item);
    if (at >= 0) this.items.splice(at, 1);
  }
}
