/**
 * When the last of n messages leaves, if nothing else comes: the same arithmetic as the store's
 * take, run ahead. Exact, and linear in n (10,000 messages with two quotas: about a millisecond).
 */
import { slotsWithin, slotUs } from './history.ts';
import type { History } from './history.ts';
import type { Limits, Pace, Quota } from './limits.ts';
import { paceCharged, paceFreeAtUs, restated } from './pace.ts';
import type { PaceState } from './pace.ts';

/** What a provider owes now. */
export interface Past {
  readonly pace: PaceState | undefined;
  readonly history: History;
}

/**
 * Admission time of the last of `messages` messages of `recipients` recipients each, each admitted
 * as soon as possible from nowUs on; nowUs for none. in_flight is left out.
 */
export function lastAdmissionUs(
  past: Past,
  limits: Limits,
  recipients: number,
  messages: number,
  nowUs: number,
): number {
  const { pace } = limits;
  if (limits.quotas.length === 0) {
    return pace === undefined
      ? nowUs
      : lastAtPaceUs(past.pace, pace, { recipients, messages }, nowUs);
  }
  const windows = limits.quotas.map((quota) => new Window(quota, past.history, nowUs));
  let state = pace === undefined ? undefined : restated(past.pace, pace, nowUs);
  let atUs = nowUs;
  for (let i = 0; i < messages; i += 1) {
    if (pace !== undefined) atUs = Math.max(atUs, paceFreeAtUs(state, pace, recipients, atUs));
    for (const window of windows) atUs = Math.max(atUs, window.freeAtUs(recipients));
    if (pace !== undefined) state = paceCharged(state, pace, recipients, atUs);
    for (const window of windows) window.charge(atUs, recipients);
  }
  return atUs;
}

// With a pace alone every message adds its own cost to the debt, so the last but one gives the time.
function lastAtPaceUs(
  state: PaceState | undefined,
  pace: Pace,
  { recipients, messages }: { readonly recipients: number; readonly messages: number },
  nowUs: number,
): number {
  if (messages === 0) return nowUs;
  const firstUs = Math.max(nowUs, paceFreeAtUs(state, pace, recipients, nowUs));
  if (messages === 1) return firstUs;
  const before = paceCharged(state, pace, recipients * (messages - 1), nowUs);
  return Math.max(firstUs, paceFreeAtUs(before, pace, recipients, nowUs));
}

/** One quota's slots, oldest first, with what they hold together. */
class Window {
  readonly #quota: Quota;
  readonly #slotUs: number;
  readonly #slots: { slot: number; lastUs: number; recipients: number }[] = [];
  /** Slots before this one have left the window. */
  #oldest = 0;
  #sum = 0;

  constructor(quota: Quota, history: History, nowUs: number) {
    this.#quota = quota;
    this.#slotUs = slotUs(quota.windowUs);
    const span = { windowUs: quota.windowUs, slotUs: this.#slotUs };
    for (const { lastUs, recipients } of [...slotsWithin(history, span, nowUs)].toReversed()) {
      this.charge(lastUs, recipients);
    }
  }

  /** Forgets the slots that have to leave before k recipients fit, and says when the last does. */
  freeAtUs(recipients: number): number {
    const room = Math.max(0, this.#quota.count - recipients);
    let freeAtUs = 0;
    while (this.#sum > room) {
      const slot = this.#slots[this.#oldest]!;
      freeAtUs = slot.lastUs + this.#quota.windowUs;
      this.#sum -= slot.recipients;
      this.#oldest += 1;
    }
    return freeAtUs;
  }

  charge(atUs: number, recipients: number): void {
    const slot = Math.floor(atUs / this.#slotUs);
    const newest = this.#slots.at(-1);
    this.#sum += recipients;
    if (newest !== undefined && newest.slot === slot && this.#oldest < this.#slots.length) {
      newest.lastUs = atUs;
      newest.recipients += recipients;
    } else {
      this.#slots.push({ slot, lastUs: atUs, recipients });
    }
  }
}
