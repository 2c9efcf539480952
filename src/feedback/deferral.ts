/**
 * Whose affair a deferral is: the provider's (it refuses or can't be reached: others would fare the
 * same), the recipient's (a full or busy mailbox, greylisting) or the message's own, or nobody's (an
 * echo of the queue manager, which made no contact).
 */
import { isEcho, type DeliveryEvent } from '../postfix/event.ts';
import type { Classification } from './classify.ts';

const UNREACHABLE =
  /connect to .{0,300}(refused|timed out|unreachable|No route)|lost connection|Host or domain name not found|Name service error/i;

/** `classification`: of a reply that was heard. Linear in the length of the reply. */
export function deferralBlames(
  { reply, dsn, contacted }: Pick<DeliveryEvent, 'reply' | 'dsn' | 'contacted'>,
  classification: Pick<Classification, 'category' | 'group' | 'blames'> | undefined,
): 'provider' | 'recipient' | 'nobody' {
  if (isEcho(reply)) return 'nobody';
  if (!contacted) return UNREACHABLE.test(reply.slice(0, 1000)) ? 'provider' : 'nobody';
  // Who forwards his mail and is blocked for it is that recipient's affair.
  if (classification?.blames === 'intermediary') return 'recipient';
  const { category, group } = classification ?? {};
  // Another sender's mail, or another text, would fare better.
  const isOneMail = category === 'sender_rejected' || category === 'content';
  if (isOneMail || category === 'greylisted' || group === 'recipient') return 'recipient';
  // RFC 3463, 3.3: X.2.x is the mailbox; 4.1.x the address. Gmail's 4.2.1 is one busy mailbox.
  return /^4\.[12]\./.test(dsn) ? 'recipient' : 'provider';
}
