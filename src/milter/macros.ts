/**
 * The macros of one connection, a list for each event. A list belongs to the event that follows
 * it; a look-up at an event sees that event's list and those of the events before it. Nothing of
 * one message is seen in the next.
 */
import { STAGE_LETTER, STAGES, type Stage } from './codes.ts';

const UNKNOWN = STAGES.indexOf('unknown');
const FIRST_OF_TRANSACTION = STAGES.indexOf('mail');
const RANK: ReadonlyMap<string, number> = new Map(
  STAGES.map((stage, rank) => [STAGE_LETTER[stage], rank]),
);
/** Some MTAs send the list of these once for all events of the kind. */
const REPEATED: ReadonlySet<Stage> = new Set(['header', 'body']);

interface Slot {
  readonly list: readonly string[];
  /** No event of the kind has come since. */
  fresh: boolean;
}

export class MacroTable {
  readonly #slots: (Slot | undefined)[] = STAGES.map(() => undefined);
  #rank = 0;

  /** A macro list as sent: name, value, name, value. An event nobody knows is let pass. */
  set(letter: string, list: readonly string[]): void {
    const rank = RANK.get(letter);
    if (rank !== undefined) this.#slots[rank] = { list, fresh: true };
  }

  /** An event has come: later events' lists are of the past, and so is its own unless just sent. */
  enter(stage: Stage): void {
    const rank = RANK.get(STAGE_LETTER[stage]) ?? 0;
    this.#rank = rank;
    if (rank !== UNKNOWN) this.#slots.fill(undefined, rank + 1, UNKNOWN);
    const own = this.#slots[rank];
    if (own === undefined) return;
    if (!own.fresh && !REPEATED.has(stage)) this.#slots[rank] = undefined;
    own.fresh = false;
  }

  endTransaction(): void {
    this.#slots.fill(undefined, FIRST_OF_TRANSACTION, UNKNOWN);
  }

  reset(): void {
    this.#slots.fill(undefined);
  }

  /** The value, by the name as the MTA writes it: `i`, `{auth_authen}`. */
  get(name: string): string | undefined {
    for (let rank = this.#rank; rank >= 0; rank--) {
      const list = this.#slots[rank]?.list;
      if (list === undefined) continue;
      for (let at = 0; at + 1 < list.length; at += 2) {
        if (list[at] === name) return list[at + 1];
      }
    }
    return undefined;
  }
}
