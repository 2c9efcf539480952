/** How many recipients of a provider did not exist in the last hour, and whether that is a wave. */

/** An hour in slots; the oldest is counted whole. */
const SLOTS = 6;
const SLOT_MS = 3_600_000 / SLOTS;
/** At 200 mails a day a few typing errors are no wave, and ten of fifty are one. */
const LEAST_BAD = 10;
const LEAST_SHARE = 0.2;
const MOST_PROVIDERS = 2000;

export interface Wave {
  readonly bad: number;
  readonly all: number;
}

interface Slot {
  readonly number: number;
  bad: number;
  all: number;
}

export class MailboxWaves {
  readonly #slots = new Map<string, Slot[]>();

  /** One final outcome of one recipient; the wave that it belongs to, if there is one. */
  note(provider: string, isBad: boolean, atMs: number): Wave | undefined {
    const now = Math.floor(atMs / SLOT_MS);
    const slots = (this.#slots.get(provider) ?? []).filter(({ number }) => number > now - SLOTS);
    let slot = slots.find(({ number }) => number === now);
    if (slot === undefined) {
      slot = { number: now, bad: 0, all: 0 };
      slots.push(slot);
    }
    slot.all += 1;
    if (isBad) slot.bad += 1;
    // Last in, last out: a provider that nothing is sent to any more is the first to be forgotten.
    this.#slots.delete(provider);
    this.#slots.set(provider, slots);
    const [oldest] = this.#slots.keys();
    if (this.#slots.size > MOST_PROVIDERS && oldest !== undefined) this.#slots.delete(oldest);
    if (!isBad) return undefined;
    const bad = slots.reduce((sum, one) => sum + one.bad, 0);
    const all = slots.reduce((sum, one) => sum + one.all, 0);
    return bad >= LEAST_BAD && bad >= LEAST_SHARE * all ? { bad, all } : undefined;
  }
}
