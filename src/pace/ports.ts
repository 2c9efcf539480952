/**
 * What pacing needs of the mail system: a hold queue to read, and something that releases from it
 * and takes deferred mail back. src/postfix implements both; observe mode has a releaser that only
 * logs.
 */
import type { DeliveryEvent } from '../postfix/event.ts';

/** One message in the mail system's queue, as `postqueue -j` lists it. */
export interface QueuedMessage {
  readonly queue: 'hold' | 'deferred' | 'active' | 'incoming' | 'maildrop' | 'corrupt';
  readonly queueId: string;
  /** Whole seconds since the epoch. */
  readonly arrivalSec: number;
  readonly sizeBytes: number;
  /** '' for the null sender. */
  readonly sender: string;
  readonly recipients: readonly { readonly address: string; readonly delayReason?: string }[];
}

export interface HoldQueue {
  /** A snapshot of the whole queue, streamed. Rejects with an Error that says what failed. */
  list(): AsyncIterable<QueuedMessage>;
}

export interface ReleaseOutcome {
  /** Ids that postsuper confirmed, a line each. */
  readonly confirmed: readonly string[];
  /** Ids without a line within the time: the next listing of the queue decides. */
  readonly unconfirmed: readonly string[];
}

export interface Releaser {
  /**
   * Moves held messages out of hold and wakes the queue manager for them, one batch, one wake-up.
   * `wasDeferred`: the message was deferred before it was held, so only its own wake-up helps.
   * Never rejects for a single id; rejects when the helper can't be reached at all (nothing was
   * released then, as far as is known: the next listing decides).
   */
  release(
    messages: readonly { readonly queueId: string; readonly wasDeferred: boolean }[],
  ): Promise<ReleaseOutcome>;
  /** Takes messages from the deferred queue (and from nowhere else) back to hold. */
  hold(queueIds: readonly string[]): Promise<ReleaseOutcome>;
  /**
   * Releases held messages and has them returned to their senders as expired (max_hold: bounce).
   * Absent where no helper for it is configured.
   */
  readonly expire?: (queueIds: readonly string[]) => Promise<ReleaseOutcome>;
}

/** What providers' answers make of their limits: asked before mail leaves, told what became of it. */
export interface Feedback {
  /** Reads what changed; to be called at the start and when the store tells. Rejects with StoreError. */
  read(): Promise<void>;
  /** 0 < factor <= 1 on the provider's limits. */
  factor(provider: string): number;
  /** How many messages it may have without an outcome, at most; Infinity: as configured. */
  places(provider: string): number;
  /**
   * undefined: the provider is open. Else it is stopped: so many messages may leave as probes, and
   * with 0 it is looked at again at `lookMs` (Infinity: when the store tells). For the message `id`
   * there is room as well where it has a probe's place already.
   */
  room(
    provider: string,
    id?: string,
  ): { readonly messages: number; readonly lookMs: number } | undefined;
  /** Takes a probe's place; false: there is none any more. Rejects with StoreError. */
  claim(provider: string, id: string): Promise<boolean>;
  /**
   * An attempt and its outcome. Says whose affair it is, where it is a deferral. `speaksFor`: whose
   * limits it may move, where that need not be the provider that the mail counted for.
   */
  saw(
    event: DeliveryEvent,
    provider: string,
    departure: Departure,
    speaksFor: (tells: 'taken' | 'refused') => string,
  ): Blame;
}

/** A message as it was let go: its id in the pool, and when. */
export interface Departure {
  readonly id: string;
  readonly leftMs: number;
}

/** `nobody`: an echo of the queue manager, which made no contact. */
export type Blame = 'provider' | 'recipient' | 'nobody';
