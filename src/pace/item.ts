/** A message that waits, as pacing sees it: one record of held.ndjson and one item of the lanes. */

/**
 * Destinations of a message that no provider lists, and the providers they counted for when it
 * came. A later change of their MX is no concern of that message.
 */
export type Grouped = readonly (readonly [destination: string, provider: string])[];

/** What is kept of a held message. Times are milliseconds since the epoch. */
export interface HeldRecord {
  readonly queueId: string;
  /** Ids Postfix gave the message before. */
  readonly formerIds: readonly string[];
  readonly sender: string;
  /** Who logged in to send it (SASL), where somebody did. */
  readonly login?: string | undefined;
  /** Those without an outcome yet. */
  readonly recipients: readonly string[];
  /** Name of the lane. */
  readonly lane: string;
  readonly arrivedMs: number;
  /** When it was held last. */
  readonly heldMs: number;
  /** A sentence: what it waits for, as of the moment it was held. */
  readonly why: string;
  /** How often a provider deferred it. */
  readonly deferrals: number;
  /** It lay in the deferred queue before it was held: its wake-up differs. */
  readonly wasDeferred: boolean;
  /** Its own backoff after a deferral; 0: none. */
  readonly notBeforeMs: number;
  /** Absent: all are listed, or it is of an earlier version. */
  readonly grouped?: Grouped | undefined;
}

/** Recipients of one message at one provider. */
export interface Share {
  readonly provider: string;
  readonly recipients: number;
  /** All of the recipients' destinations, where each is the provider's by its MX alone. */
  readonly members?: readonly string[];
}

/** A message in the lanes. Only the scheduler changes it. */
export interface Item {
  /** Unique in the pool, the in_flight token: `host/queue-id`. */
  readonly id: string;
  readonly record: HeldRecord;
  /** Whose turn it takes and whose share: mail/origin.ts. */
  readonly sender: string;
  /** Index of the lane, 0 the best. */
  readonly lane: number;
  readonly shares: readonly Share[];
  /** Nothing is held: observe mode's account of what would have been. */
  readonly observed: boolean;
  waiting: boolean;
  /** Another provider, suspended or stuck, keeps it: it doesn't stand in the way of others. */
  parkedBy: string | undefined;
}
