/** What is known of a provider's mail when it refuses some: how fast it left, and how much was taken. */
import type { Store } from '../store/store.ts';
import { TrialUsage } from './trial-usage.ts';

export interface SentCountsParts {
  readonly store: Pick<Store, 'usage'>;
  readonly nowMs: () => number;
  /** How much faster than in life the controller's times go; 1 but for trials. */
  readonly scale: () => number;
}

/** The last minute tells how fast mail left that left since then, and not of older mail. */
const LATELY_MS = 5 * 60_000;
/** Those that judged us last. */
const MOST_PROVIDERS = 2000;

export class SentCounts {
  readonly #parts: SentCountsParts;
  readonly #trial = new TrialUsage();
  /** Recipients that a provider took since it last judged us; absent: not known. */
  readonly #since = new Map<string, number>();

  constructor(parts: SentCountsParts) {
    this.#parts = parts;
  }

  /** An outcome of mail that left at `leftMs`. */
  note(provider: string, leftMs: number): void {
    const scale = this.#parts.scale();
    if (scale !== 1) this.#trial.add(provider, leftMs, scale);
  }

  taken(provider: string): void {
    const since = this.#since.get(provider);
    if (since !== undefined) this.#since.set(provider, since + 1);
  }

  /** Taken since it was asked last. */
  takenSince(provider: string): number {
    const since = this.#since.get(provider) ?? 1;
    this.#since.delete(provider);
    this.#since.set(provider, 0);
    const [oldest] = this.#since.keys();
    if (this.#since.size > MOST_PROVIDERS && oldest !== undefined) this.#since.delete(oldest);
    return since;
  }

  /** For a refusal of a message that left at `leftMs`. Rejects with StoreError. */
  async before(
    provider: string,
    leftMs: number,
  ): Promise<{ readonly sentPerMin: number; readonly deliveredDay: number }> {
    const { scale, nowMs } = this.#parts;
    const { minute, day } = await this.#trial.usage(provider, leftMs, this.#parts);
    const isKnown = scale() !== 1 || leftMs > nowMs() - LATELY_MS;
    // Itself was counted too when it left.
    return { sentPerMin: isKnown ? minute : 0, deliveredDay: Math.max(0, day - 1) };
  }
}
