/**
 * What an attempt in Postfix's log means for a provider's limits, and whose affair a refusal is.
 * Says which event the learner is to be told, and what an administrator should mend.
 */
import { isEcho, type DeliveryEvent } from '../postfix/event.ts';
import type { OutcomeEvent } from './outcome-event.ts';
import type { Fate } from './sent-book.ts';
import type { Classification, Classifier } from './classify.ts';

/** A message as it was let go. */
export interface Departure {
  /** Unique in the pool. */
  readonly id: string;
  readonly leftMs: number;
}

export interface Reading {
  readonly classification: Classification | undefined;
  /** undefined: it says nothing about limits. */
  readonly tells: OutcomeEvent['kind'] | undefined;
}

/** `provider`: whose limits the recipient counts for. Pure. */
export function readOutcome(
  event: DeliveryEvent,
  provider: string,
  classifier: Classifier,
  ownAddresses: readonly string[],
): Reading {
  if (event.status === 'sent') {
    return { classification: undefined, tells: event.contacted ? 'taken' : undefined };
  }
  if (!event.contacted || event.status === 'expired') {
    return { classification: undefined, tells: isEcho(event.reply) ? 'kept' : 'unclear' };
  }
  const classification = classifier.classify(event.reply, {
    provider,
    recipient: event.recipient,
    originalRecipient: event.origTo,
    relay: event.relay,
    ownAddresses,
  });
  const isMailbox = isAboutMailbox(event.dsn, classification, provider);
  return { classification, tells: isMailbox ? 'taken' : tellsOf(classification) };
}

/** RFC 3463, 3.3: X.2.x is about one mailbox, whatever the words are. */
export function isAboutMailbox(
  status: string | undefined,
  { group, rule, provider: speaker }: Classification,
  provider: string,
): boolean {
  if (status === undefined || !/^[45]\.2\./.test(status)) return false;
  // Bluewin limits with 5.2.0: a rule for that very provider knows better.
  const isOwn = speaker === provider && !/^(?:generic|codes)\//.test(rule ?? 'codes/');
  return !(group === 'slow' && isOwn);
}

/** What a refusal that our own Postfix heard tells of limits. */
export function tellsOf({
  category,
  group,
  blames,
}: Pick<Classification, 'category' | 'group' | 'blames'>): OutcomeEvent['kind'] | undefined {
  // Somebody who forwards our mail is blocked or slowed: sending less would not help him.
  if (blames === 'intermediary') return 'unclear';
  switch (group) {
    case 'slow':
      return 'slow';
    case 'blocked':
      return blames === 'ours' ? 'blocked' : 'unclear';
    case 'judged':
      return 'judged';
    case 'weather':
      // The rules' way to say too many connections: how many at once, not how many a minute.
      return category === 'throttled' ? 'crowded' : 'unclear';
    case 'ours':
      return 'unclear';
    // Past every gate but the recipient's own: the provider takes our mail.
    case 'recipient':
    case 'good':
      return 'taken';
    default:
      return group satisfies never;
  }
}

/** What became of the mail, for the records; where that can't be told, nothing yet. */
export function fateOf({ status, contacted }: DeliveryEvent): Fate {
  if (status === 'sent') return contacted ? 'taken' : 'deferred';
  return status === 'deferred' || !contacted ? 'deferred' : 'refused';
}
