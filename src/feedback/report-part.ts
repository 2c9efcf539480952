/**
 * A message as its parts: headers, the text that a person reads, and what is attached. MIME is read
 * by postal-mime; how much of a message is looked at, and how deep it may be nested, is bounded here.
 */
import type { Address, Email } from 'postal-mime';

export interface ReportPart {
  /** Lower case, without parameters. */
  readonly type: string;
  readonly text: string;
}

export interface ReportMessage {
  /** The first value of a header, by its lower-case name; unfolded, encoded words decoded or not. */
  readonly header: (name: string) => string | undefined;
  /** The address in From, or what else stands there; '' where there is nothing. */
  readonly from: string;
  readonly subject: string;
  /** What a person reads; '' where there is nothing. */
  readonly text: string;
  readonly parts: readonly ReportPart[];
}

/** Of a longer message the beginning is read: a report says what it has to say there. */
export const MOST_BYTES = 256 * 1024;
/** The reader takes a while for each line, an empty one too. */
const MOST_LINES = 20_000;
/** RFC 5321, 4.5.3.1: 64 for who it is, 255 for where, and the @ between them. */
const LONGEST_ADDRESS = 320;
const DEEPEST = 10;
const MOST_PARTS = 50;
const LINE_END = 10;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** undefined: no message that can be read. Never rejects. */
export async function readMessage(whole: Uint8Array): Promise<ReportMessage | undefined> {
  const raw = beginning(whole);
  // With the first report, not with the daemon.
  const { default: PostalMime } = await import('postal-mime');
  let email: Email;
  try {
    email = await PostalMime.parse(raw, {
      // The message that came back is looked at, not shown.
      forceRfc822Attachments: true,
      maxNestingDepth: DEEPEST,
      maxHeadersSize: MOST_BYTES,
    });
  } catch {
    // Whatever a stranger sends that makes the library stumble: it is no report.
    return undefined;
  }
  const { headers, attachments, text = '', html = '', subject = '' } = email;
  const parts = attachments.slice(0, MOST_PARTS).map(({ mimeType, content }) => ({
    type: mimeType.toLowerCase(),
    text: typeof content === 'string' ? content : plainText(new Uint8Array(content)),
  }));
  return {
    header: (name) => headers.find(({ key }) => key === name)?.value,
    from: (addressOf(email.from) || (headers.find(({ key }) => key === 'from')?.value ?? '')).slice(
      0,
      LONGEST_ADDRESS,
    ),
    subject,
    text: readable(text, html, parts.length === 0 ? raw : undefined),
    parts,
  };
}

function beginning(raw: Uint8Array): Uint8Array {
  let end = 0;
  for (let lines = 0; lines < MOST_LINES; lines += 1) {
    const next = raw.indexOf(LINE_END, end);
    if (next < 0 || next >= MOST_BYTES) return raw.slice(0, MOST_BYTES);
    end = next + 1;
  }
  return raw.slice(0, end);
}

/** `raw`: where MIME found nothing in it (a boundary that never comes), it may still say something. */
function readable(text: string, html: string, raw: Uint8Array | undefined): string {
  if (text.trim() !== '') return text;
  if (html.trim() !== '' || raw === undefined) return withoutTags(html);
  const whole = plainText(raw);
  const end = /\r?\n\r?\n/.exec(whole);
  return end === null ? '' : whole.slice(end.index + end[0].length);
}

/** Bytes that are not UTF-8 are read as Latin-1. */
export function plainText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  }
}

function addressOf(from: Address | undefined): string {
  const one = from?.group?.[0] ?? from;
  return one?.address ?? '';
}

/** HTML as rough text: enough to find an address and a reply in it. */
function withoutTags(html: string): string {
  return html
    .replace(/<(?:br|\/p|\/div|\/tr|\/li)\b[^<>]{0,500}>/gi, '\n')
    .replace(/<\/?[a-z!][^<>]{0,2000}>/gi, ' ')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&nbsp;', ' ')
    .replaceAll('&amp;', '&');
}
