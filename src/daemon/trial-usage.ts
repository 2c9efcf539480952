/**
 * What was sent in the minutes and days of a trial (feedback.time_scale), which the store, whose
 * minutes are of 60 seconds, can't tell. Of this daemon's mail alone, and only what has an outcome.
 */
import type { Store } from '../store/store.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 1440 * MINUTE_MS;
/**
 * A minute of a trial holds less mail than one in life, mostly one or none: its rate is that of the
 * last few, not older than this.
 */
const FEW = 5;
const LOOK_BACK_MS = 30 * MINUTE_MS;
/** Of one provider: more than a trial sends in its day. */
const MOST = 10_000;

export class TrialUsage {
  readonly #left = new Map<string, number[]>();

  /** An outcome of mail that left at `leftMs`. */
  add(provider: string, leftMs: number, scale: number): void {
    const times = this.#left.get(provider) ?? [];
    const kept = times.length < MOST ? times : times.slice(MOST / 2);
    kept.push(leftMs);
    const oldestMs = leftMs - DAY_MS / scale;
    while ((kept[0] ?? Infinity) < oldestMs) kept.shift();
    this.#left.set(provider, kept);
  }

  /** The store's own figures in life, else those of the trial. Rejects with StoreError. */
  async usage(
    provider: string,
    leftMs: number,
    { store, scale }: { readonly store: Pick<Store, 'usage'>; readonly scale: () => number },
  ): Promise<{ readonly minute: number; readonly day: number }> {
    return scale() === 1 ? store.usage(provider) : this.of(provider, leftMs, scale());
  }

  /** As the store has it: recipients a real minute, and recipients in a day of the trial. */
  of(
    provider: string,
    leftMs: number,
    scale: number,
  ): { readonly minute: number; readonly day: number } {
    const times = this.#left.get(provider) ?? [];
    const fromMs = leftMs - LOOK_BACK_MS / scale;
    const recent = times
      .filter((atMs) => atMs >= fromMs && atMs <= leftMs)
      .toSorted((a, b) => a - b)
      .slice(-FEW);
    const spanMs = leftMs - (recent[0] ?? leftMs);
    // One more than the gaps between them: a few gaps with a pause among them are not the rate.
    const minute = spanMs === 0 ? 0 : (recent.length / spanMs) * MINUTE_MS;
    return { minute, day: times.length };
  }
}
