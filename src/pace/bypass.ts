/**
 * Mail that left without passing the milter, as far as the log tells: charged to its provider, and
 * counted. A line that is read once more, of mail that this run or the one before let go, is none.
 */
import type { DeliveryEvent } from '../postfix/event.ts';
import type { Demand, Store } from '../store/store.ts';
import type { Share } from './item.ts';
import type { PaceLog } from './log.ts';

export interface BypassParts {
  readonly clock: { readonly nowMs: () => number };
  readonly store: Pick<Store, 'charge' | 'inFlight'>;
  readonly log: PaceLog;
  /** The message's name in the pool. */
  readonly idOf: (queueId: string) => string;
  readonly demandsOf: (share: Share, sender: string | undefined) => readonly Demand[];
  readonly onStoreTrouble: (error: unknown) => void;
}

/** What left longer ago is charged by nobody. */
const NEWS_MS = 60_000;
/** Deliveries that are known again. */
const MOST = 10_000;

export class Bypass {
  readonly #parts: BypassParts;
  readonly #sinceMs: number;
  readonly #known = new Set<string>();
  #count = 0;

  constructor(parts: BypassParts) {
    this.#parts = parts;
    this.#sinceMs = parts.clock.nowMs();
  }

  /** Recipients that went round us. */
  get count(): number {
    return this.#count;
  }

  /** It was delivered, and we had let it go. False: it is known already. */
  delivered({ queueId, recipient }: DeliveryEvent): boolean {
    const key = `${queueId} ${recipient}`;
    if (this.#known.has(key)) return false;
    this.#known.add(key);
    const [oldest] = this.#known.size > MOST ? this.#known : [];
    if (oldest !== undefined) this.#known.delete(oldest);
    return true;
  }

  /** It was delivered, and nobody here let it go; `sender`: as whom it counts. */
  saw(event: DeliveryEvent, provider: string, sender: string | undefined): void {
    // What left before this run began, the last one may have let go.
    const oldestMs = Math.max(this.#sinceMs, this.#parts.clock.nowMs() - NEWS_MS);
    if (event.atMs < oldestMs || !this.delivered(event)) return;
    void this.#charge(event.queueId, provider, sender);
  }

  async #charge(queueId: string, provider: string, sender: string | undefined): Promise<void> {
    const { store, log, idOf, demandsOf, onStoreTrouble } = this.#parts;
    try {
      const places = await store.inFlight(provider);
      if (places.some(({ id }) => id === idOf(queueId))) return;
      this.#count++;
      log.info({ queueId, provider }, 'left without passing the milter: charged');
      await store.charge(demandsOf({ provider, recipients: 1 }, sender));
    } catch (error) {
      onStoreTrouble(error);
    }
  }
}
