/** What a handler may answer to an event. Nothing (undefined) is `proceed`. */
import type { Stage } from './codes.ts';

/** A refusal in own words. Enhanced code on each line; at most 32 lines of 510 bytes, ASCII. */
export interface ReplyCode {
  readonly kind: 'replycode';
  /** 4xx or 5xx; 421 also ends the SMTP session. */
  readonly code: number;
  readonly dsn?: string;
  readonly lines: readonly string[];
}

export type Proceed = { readonly kind: 'continue' };
export type Refusal = { readonly kind: 'reject' | 'tempfail' } | ReplyCode;
export type Discard = { readonly kind: 'discard' };
export type Accept = { readonly kind: 'accept' };
export type Skip = { readonly kind: 'skip' };

/**
 * `accept` exists at the end of message alone: earlier it hides whether the message was sent at
 * all, and in Postfix before August 2026 it lets the next message of the session pass unseen.
 * `discard` is unknown to a session, `skip` exists where events repeat and need no judgement each.
 */
export type Action<S extends Stage = Stage> =
  | Proceed
  | Refusal
  | (S extends 'connect' | 'helo' | 'unknown' ? never : Discard)
  | (S extends 'eom' ? Accept : never)
  | (S extends 'header' | 'body' ? Skip : never);

export type Verdict = Proceed | Refusal | Discard | Accept | Skip;

export const proceed: Proceed = { kind: 'continue' };
/** 451 4.7.1, or 550 5.7.1, in the MTA's own words. */
export const tempfail: { readonly kind: 'tempfail' } = { kind: 'tempfail' };
export const reject: { readonly kind: 'reject' } = { kind: 'reject' };
/** The MTA says yes and drops the message. */
export const discard: Discard = { kind: 'discard' };
export const accept: Accept = { kind: 'accept' };
/** No more events of this kind until one of another kind comes. */
export const skip: Skip = { kind: 'skip' };

/** A refusal with a text of one or more lines; RangeError where no MTA would take it. */
export function reply(
  code: 421 | 450 | 451 | 452 | 550 | 552 | 554,
  dsn: `${4 | 5}.${number}.${number}`,
  ...lines: readonly string[]
): ReplyCode {
  const refusal: ReplyCode = { kind: 'replycode', code, dsn, lines };
  checkReplyCode(refusal);
  return refusal;
}

const LINES_MOST = 32; // Sendmail's smfi_setmlreply
const LINE_BYTES = 510; // RFC 5321, section 4.5.3.1.5, without CRLF

/** RangeError for what Sendmail or a new Postfix would replace by a text of its own. */
export function checkReplyCode({ code, dsn, lines }: ReplyCode): void {
  if (!Number.isInteger(code) || code < 400 || code > 599) {
    throw new RangeError(`reply code ${code}, expected 4xx or 5xx`);
  }
  if (dsn !== undefined && !/^[45]\.\d{1,3}\.\d{1,3}$/.test(dsn)) {
    throw new RangeError(`enhanced code ${JSON.stringify(dsn)}, expected like 4.7.1`);
  }
  if (dsn !== undefined && dsn[0] !== String(code)[0]) {
    throw new RangeError(`enhanced code ${dsn} does not go with ${code}`);
  }
  if (lines.length < 1 || lines.length > LINES_MOST) {
    throw new RangeError(`${lines.length} reply lines, expected 1 to ${LINES_MOST}`);
  }
  for (const line of lines) {
    if (!/^[\x20-\x7e]*$/.test(line)) {
      throw new RangeError(`reply line ${JSON.stringify(line)}, expected printable ASCII`);
    }
    const bytes = 4 + (dsn === undefined ? 0 : dsn.length + 1) + line.length;
    if (bytes > LINE_BYTES) {
      throw new RangeError(`reply line of ${bytes} bytes, most ${LINE_BYTES}`);
    }
  }
}

/**
 * Whether a value may be answered at a stage: what the types say, for callers without types and
 * for replies that were put together by hand.
 */
export function isVerdict(stage: Stage, value: unknown): value is Verdict {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false;
  switch (value.kind) {
    case 'continue':
    case 'reject':
    case 'tempfail':
      return true;
    case 'replycode':
      return isReplyCode(value);
    case 'discard':
      return stage !== 'connect' && stage !== 'helo' && stage !== 'unknown';
    case 'accept':
      return stage === 'eom';
    case 'skip':
      return stage === 'header' || stage === 'body';
    default:
      return false;
  }
}

function isReplyCode(value: object): boolean {
  if (!('code' in value && 'lines' in value)) return false;
  const dsn = 'dsn' in value ? value.dsn : undefined;
  const { code, lines } = value;
  if (typeof code !== 'number' || !(dsn === undefined || typeof dsn === 'string')) return false;
  if (!Array.isArray(lines) || !lines.every((line) => typeof line === 'string')) return false;
  try {
    checkReplyCode({ kind: 'replycode', code, lines, ...(dsn === undefined ? {} : { dsn }) });
    return true;
  } catch {
    return false;
  }
}
