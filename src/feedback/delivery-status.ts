/** A delivery status part (RFC 3464; RFC 6533 for addresses beyond ASCII) -> what became of whom. */
import type { ReportedRecipient } from './mail-report.ts';
import { statusIn } from './reply.ts';
import { addressIn, field, fieldBlocks, withoutType, type Fields } from './report-fields.ts';

const TYPES = /^message\/(?:x?delivery-status|global-delivery-status)$/;

export function isDeliveryStatus(type: string): boolean {
  return TYPES.test(type);
}

export interface DeliveryStatus {
  readonly recipients: readonly ReportedRecipient[];
  /** Postfix says the queue id of the message that came back. */
  readonly queueId: string | undefined;
}

export function readDeliveryStatus(text: string): DeliveryStatus {
  const blocks = fieldBlocks(text, 'final-recipient');
  return {
    recipients: blocks.filter(isRecipient).map(recipientOf),
    queueId: blocks.map((block) => field(block, 'x-postfix-queue-id')).find((id) => id),
  };
}

/** Not the fields about the message as a whole. */
function isRecipient(block: Fields): boolean {
  return (
    block.has('final-recipient') ||
    block.has('original-recipient') ||
    (block.has('action') && block.has('status'))
  );
}

function recipientOf(block: Fields): ReportedRecipient {
  const final = addressIn(field(block, 'final-recipient'));
  const written = addressIn(field(block, 'original-recipient'));
  const original = written === final ? written : fromXtext(written);
  // Some write who it really is here, and what they made of it there.
  const actual = addressIn(field(block, 'x-actual-recipient'));
  const status = /[245]\.\d{1,3}\.\d{1,3}/.exec(field(block, 'status') ?? '')?.[0];
  const remote = field(block, 'remote-mta');
  const diagnostic = field(block, 'diagnostic-code') ?? '';
  return {
    recipient: final ?? actual ?? original,
    originalRecipient: original,
    action: actionOf(field(block, 'action'), status),
    status,
    remoteMta: remote && withoutType(remote),
    reply: withStatus(withoutType(diagnostic), status),
    around: '',
  };
}

/** `jane+2Bnews@…`: as the envelope has it (RFC 3461, 4), where the reporter left it so, as Exim does. */
function fromXtext(address: string | undefined): string | undefined {
  return address?.replaceAll('+2B', '+').replaceAll('+3D', '=');
}

function actionOf(said: string | undefined, status: string | undefined) {
  const action = said?.toLowerCase() ?? '';
  if (action.startsWith('delay')) return 'delayed';
  if (/^(?:deliver|relay|expand)/.test(action)) return 'delivered';
  return status?.startsWith('2.') === true ? 'delivered' : 'failed';
}

/** A code that only the Status field has, at the place where a reply would say it. */
function withStatus(diagnostic: string, status: string | undefined): string {
  if (status === undefined || statusIn(diagnostic) !== undefined) return diagnostic;
  // X.0.0 says nothing.
  if (status.endsWith('.0.0')) return diagnostic;
  const reply = /^([245]\d\d)[ -]/.exec(diagnostic);
  // Where code and status disagree about whether it is for good, the reply itself is believed.
  if (reply !== null) {
    return reply[1]?.[0] === status[0]
      ? `${reply[1]} ${status} ${diagnostic.slice(4)}`
      : diagnostic;
  }
  return `${status} ${diagnostic}`.trim();
}
