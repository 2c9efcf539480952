/**
 * What a report that is proven may do. A stranger wrote it, though about mail of ours: it counts as a
 * judgement, of which one alone moves nothing, whatever the words are. What our own Postfix heard is
 * in the log.
 */
import type { OutcomeEvent } from './outcome-event.ts';
import type { Classification } from './classify.ts';
import { isAboutMailbox, type Departure } from './outcome-reader.ts';
import type { ReportedRecipient } from './mail-report.ts';
import type { Fate } from './sent-book.ts';

export type Weight =
  | { readonly kind: 'judged' }
  /** As if our own log had said it: somebody in this house did, where no log is followed. */
  | { readonly kind: 'attempt' }
  /** Something of ours to mend, or somebody who forwards: said, and moves nothing. */
  | { readonly kind: 'told' }
  /** A refusal that the log has told of. */
  | { readonly kind: 'known' }
  | { readonly kind: 'ignored'; readonly why: string };

const MINUTE_MS = 60_000;

/** `provider`: the recipient's; `fate`: what the log said, where it is known. Pure. */
export function weigh(
  { action, status }: Pick<ReportedRecipient, 'action' | 'status'>,
  classification: Classification,
  provider: string,
  fate: Fate | undefined,
): Weight {
  const { group, blames } = classification;
  if (action === 'replied') return ignored('an auto-reply');
  if (action === 'delivered') return ignored('it was delivered');
  // A refusal that the log has seen; a complaint comes after a delivery.
  if (action !== 'complained' && fate !== undefined && fate !== 'taken') return { kind: 'known' };
  if (blames === 'intermediary') return { kind: 'told' };
  if (isAboutMailbox(status, classification, provider)) return ignored('it is about one mailbox');
  switch (group) {
    case 'slow':
    case 'judged':
      return { kind: 'judged' };
    case 'blocked':
      return blames === 'ours' ? { kind: 'judged' } : ignored('no address of ours is named');
    case 'ours':
      return { kind: 'told' };
    case 'weather':
    case 'recipient':
    case 'good':
      return ignored('it says nothing about limits');
    default:
      return group satisfies never;
  }
}

/** What limits are told of a judgement that was reported at `nowMs`, by what the store counted. Pure. */
export function judgementOf(
  departure: Departure,
  { minute, day }: { readonly minute: number; readonly day: number },
  nowMs: number,
): OutcomeEvent {
  return {
    kind: 'judged',
    // Of mail that left long before it is not known: what is sent now did not provoke it.
    sentPerMin: departure.leftMs > nowMs - MINUTE_MS ? minute : 0,
    reportedMs: nowMs,
    // Something was delivered: somebody outside had it in his hands. One alone moves nothing.
    deliveredDay: Math.max(1, day),
    deliveredSince: 1,
    ...departure,
  };
}

function ignored(why: string): Weight {
  return { kind: 'ignored', why };
}
