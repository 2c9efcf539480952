/**
 * A message that came back -> what it says of whom: a delivery status notification (RFC 3464, 6533),
 * a feedback report (RFC 5965), an auto-reply, or a bounce that keeps to no standard. Whatever comes
 * in, it is read, bounded, and never refused; what it says is not yet believed.
 */
import { isAutoReply } from './auto-reply.ts';
import { isBounceProse, readProse } from './bounce-prose.ts';
import { hotmailComplaint, readComplaint } from './complaint.ts';
import { isDeliveryStatus, readDeliveryStatus } from './delivery-status.ts';
import { originalHeader, originalMail, type OriginalMail } from './original-mail.ts';
import { MOST_CHARACTERS } from './reply.ts';
import { readMessage, type ReportMessage } from './report-part.ts';

export interface ReportedRecipient {
  /** Whom it is about, as the report writes it; undefined: it does not say. */
  readonly recipient: string | undefined;
  /** Whom we wrote to, where the report says so. */
  readonly originalRecipient: string | undefined;
  readonly action: 'failed' | 'delayed' | 'delivered' | 'complained' | 'replied';
  /** Enhanced status code (RFC 3463). */
  readonly status: string | undefined;
  readonly remoteMta: string | undefined;
  /** What the other side said, for the classifier. */
  readonly reply: string;
  /** What else the report says, for where that says nothing. */
  readonly around: string;
}

export interface MailReport {
  /** `bounce`: in nobody's format but its own; `none`: it reports nothing that we know. */
  readonly kind: 'dsn' | 'complaint' | 'auto_reply' | 'bounce' | 'none';
  readonly recipients: readonly ReportedRecipient[];
  readonly original: OriginalMail;
  /** Who wrote it, as it says itself. */
  readonly from: string;
}

const MOST_RECIPIENTS = 200;
const NOTHING: MailReport = {
  kind: 'none',
  recipients: [],
  original: { tokens: [], queueIds: [] },
  from: '',
};

/** Never rejects. Linear in the message, of which the first 256 KiB are read. */
export async function readMailReport(raw: Uint8Array): Promise<MailReport> {
  const message = await readMessage(raw);
  if (message === undefined) return NOTHING;
  const report = readReport(message);
  if (report.kind !== 'none' && report.kind !== 'bounce') return report;
  // Somebody passed a report on as an attachment.
  const attached = message.parts.find(({ type }) => type === 'message/rfc822');
  const inner = attached && (await readMessage(Buffer.from(attached.text)));
  const found = inner && inner.parts.length > 0 ? readReport(inner) : undefined;
  return found?.kind === 'dsn' || found?.kind === 'complaint' ? found : report;
}

function readReport(message: ReportMessage): MailReport {
  const { parts, text, from } = message;
  const status = parts.find(({ type }) => isDeliveryStatus(type));
  // The fields may stand in the text where a part of their own was lost.
  const fields = status?.text ?? (/^final-recipient:/im.test(text) ? text : undefined);
  const read = fields === undefined ? undefined : readDeliveryStatus(fields);
  const header = originalHeader(parts);
  const texts = [text, ...parts.map((part) => part.text)];
  const original = originalMail(texts, header, read?.queueId === undefined ? [] : [read.queueId]);
  const found = { original, from };
  if (read !== undefined && read.recipients.length > 0) {
    const recipients = read.recipients.slice(0, MOST_RECIPIENTS);
    return { ...found, kind: 'dsn', recipients: recipients.map((one) => bounded(one, text)) };
  }
  const feedback = parts.find(({ type }) => type === 'message/feedback-report');
  const complaint =
    feedback === undefined ? hotmailComplaint(header) : readComplaint(feedback.text, header);
  if (complaint !== undefined) {
    const { type, recipients } = complaint;
    return type === 'not-spam'
      ? { ...found, kind: 'none', recipients: [] }
      : { ...found, kind: 'complaint', recipients };
  }
  return { ...found, ...withoutStandard(message) };
}

function withoutStandard(message: ReportMessage): Pick<MailReport, 'kind' | 'recipients'> {
  if (isBounceProse(message)) {
    const recipients = readProse(message).slice(0, MOST_RECIPIENTS);
    if (recipients.length > 0) return { kind: 'bounce', recipients };
  }
  if (!isAutoReply(message)) return { kind: 'none', recipients: [] };
  const reply = message.subject.slice(0, 200);
  const { from: recipient } = message;
  const about = {
    recipient,
    originalRecipient: undefined,
    status: undefined,
    remoteMta: undefined,
  };
  return { kind: 'auto_reply', recipients: [{ ...about, action: 'replied', reply, around: '' }] };
}

function bounded(one: ReportedRecipient, around: string): ReportedRecipient {
  const reply = one.reply.slice(0, MOST_CHARACTERS);
  return { ...one, reply, around: around.slice(0, MOST_CHARACTERS) };
}
