/** A feedback report (ARF, RFC 5965): somebody pressed "this is spam", or a check of ours failed. */
import type { ReportedRecipient } from './mail-report.ts';
import { addressIn, field, fieldBlocks, type Fields } from './report-fields.ts';

export interface Complaint {
  /** `abuse`, `fraud`, `virus`, `opt-out`, `not-spam`, `auth-failure` (RFC 6591), … */
  readonly type: string;
  /** One without an address where the reporter does not tell who it was. */
  readonly recipients: readonly ReportedRecipient[];
  readonly atMs: number | undefined;
}

const MOST_RECIPIENTS = 100;

/** `original`: the header of the message that it is about, for a recipient the report leaves out. */
export function readComplaint(text: string, original: Fields | undefined): Complaint {
  const fields: Fields = fieldBlocks(text)[0] ?? new Map();
  const type = (field(fields, 'feedback-type') ?? 'abuse').toLowerCase();
  const told = [
    ...(fields.get('original-rcpt-to') ?? []),
    ...(fields.get('removal-recipient') ?? []),
  ].flatMap((value) => addressIn(value) ?? []);
  const to = original && addressIn(field(original, 'to'));
  const addresses: readonly (string | undefined)[] = told.length > 0 ? [...new Set(told)] : [to];
  const date = field(fields, 'arrival-date') ?? field(fields, 'received-date');
  const atMs = date === undefined ? NaN : Date.parse(date);
  return {
    type,
    atMs: Number.isFinite(atMs) ? atMs : undefined,
    recipients: addresses.slice(0, MOST_RECIPIENTS).map((each) => complained(each, type)),
  };
}

/**
 * Outlook's junk mail reports (JMRP) are no ARF: the message comes back as an attachment, with whom
 * it was for in a field of its header.
 */
export function hotmailComplaint(original: Fields | undefined): Complaint | undefined {
  const recipient = original && addressIn(field(original, 'x-hmxmroriginalrecipient'));
  if (recipient === undefined) return undefined;
  return { type: 'abuse', atMs: undefined, recipients: [complained(recipient, 'abuse')] };
}

function complained(recipient: string | undefined, type: string): ReportedRecipient {
  return {
    recipient,
    originalRecipient: undefined,
    action: 'complained',
    status: undefined,
    remoteMta: undefined,
    reply: `feedback report: ${type}`,
    around: '',
  };
}
