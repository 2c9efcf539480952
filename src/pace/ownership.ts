/** Whose a hold is. */
import type { QueuedMessage } from './ports.ts';

/** Whose hold a message without a record is. */
export interface Owner {
  readonly owner: 'ours' | 'foreign' | 'unclaimed';
  readonly why: string;
}

/** undefined: nothing is known of it. Never rejects. */
export type Ownership = (queueId: string) => Owner | undefined | Promise<Owner | undefined>;

/** A hold that is not ours, for status and held list. */
export interface OtherHold {
  readonly message: QueuedMessage;
  readonly owner: 'foreign' | 'unclaimed';
  readonly why: string;
}
