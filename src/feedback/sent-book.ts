/**
 * What the log told of our mail: which message went to whom, when it left, and what became of it. By
 * it a report is known to be about mail of ours, and not to say once more what the log has said.
 */
import { canonicalAddress, parseAddress } from '../mail/address.ts';
import type { Remembered } from './remembered.ts';

/** `taken`: the other side has it; `refused`: for good; `deferred`: not yet. */
export type Fate = 'taken' | 'refused' | 'deferred';

export interface SentFact {
  /** The message, unique in the pool. */
  readonly id: string;
  readonly leftMs: number;
  readonly fate: Fate;
}

const FATES: readonly Fate[] = ['taken', 'refused', 'deferred'];

export class SentBook {
  readonly #kept: Remembered;

  constructor(kept: Remembered) {
    this.#kept = kept;
  }

  note(queueId: string, recipients: readonly (string | undefined)[], fact: SentFact): void {
    const { id, leftMs, fate } = fact;
    // The id is most often the queue id with the host before it.
    const short = id.endsWith(`/${queueId}`) ? id.slice(0, -queueId.length) : id;
    for (const recipient of new Set(recipients)) {
      if (recipient === undefined) continue;
      this.#kept.set(keyOf(queueId, recipient), `${fate[0]} ${Math.round(leftMs / 1000)} ${short}`);
    }
  }

  find(queueId: string, recipient: string): SentFact | undefined {
    const [letter, left = '', short] = this.#kept.get(keyOf(queueId, recipient))?.split(' ') ?? [];
    const fate = FATES.find((each) => each[0] === letter);
    if (fate === undefined || short === undefined) return undefined;
    const id = short.endsWith('/') ? short + queueId : short;
    return { id, leftMs: Number(left) * 1000, fate };
  }

  flush(): Promise<void> {
    return this.#kept.flush();
  }
}

function keyOf(queueId: string, recipient: string): string {
  return `${queueId} ${canonicalAddress(parseAddress(recipient))}`;
}
