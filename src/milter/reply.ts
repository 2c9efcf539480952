/** What a filter sends to an MTA: answers, edits and the answer to the offer, as frames. */
import { encodeFrame } from './frame.ts';
import { CHUNK_BYTES, MACRO_STAGE, type MacroStage } from './codes.ts';
import { terminated } from './text.ts';
import { checkReplyCode, type ReplyCode } from './verdict.ts';

/** The filter's half of the negotiation. */
export interface Agreement {
  readonly kind: 'optneg';
  readonly version: number;
  readonly actions: number;
  readonly protocol: number;
  /** Macros asked for by stage; a stage that is not named keeps the MTA's default. */
  readonly macros: readonly { readonly stage: MacroStage; readonly names: readonly string[] }[];
}

/** SMFIR_* without a payload. */
export interface Answer {
  readonly kind: 'continue' | 'accept' | 'reject' | 'tempfail' | 'discard' | 'skip' | 'progress';
}

/** Changes to the message, allowed between the end of message and its final answer only. */
export type Edit =
  | { readonly kind: 'addHeader'; readonly name: string; readonly value: string }
  /** Index 0 is the top. */
  | {
      readonly kind: 'insertHeader';
      readonly index: number;
      readonly name: string;
      readonly value: string;
    }
  /** Index 1 is the first header of that name; an empty value deletes it. */
  | {
      readonly kind: 'changeHeader';
      readonly index: number;
      readonly name: string;
      readonly value: string;
    }
  /** At most 65535 bytes a frame, CRLF lines, all frames of a body in a row. */
  | { readonly kind: 'replaceBody'; readonly chunk: Buffer }
  /** `args`: ESMTP arguments, separated by spaces. */
  | { readonly kind: 'addRecipient'; readonly address: string; readonly args?: string }
  | { readonly kind: 'deleteRecipient'; readonly address: string }
  | { readonly kind: 'changeFrom'; readonly address: string; readonly args?: string }
  | { readonly kind: 'quarantine'; readonly reason: string };

export type Reply = Agreement | Answer | ReplyCode | Edit;

export const ANSWER_LETTER: Readonly<Record<Answer['kind'], string>> = {
  continue: 'c', // SMFIR_CONTINUE
  accept: 'a', // SMFIR_ACCEPT
  reject: 'r', // SMFIR_REJECT
  tempfail: 't', // SMFIR_TEMPFAIL
  discard: 'd', // SMFIR_DISCARD
  skip: 's', // SMFIR_SKIP, version 6
  progress: 'p', // SMFIR_PROGRESS
};

const ANSWER_FRAME: Readonly<Record<Answer['kind'], Buffer>> = {
  continue: encodeFrame(ANSWER_LETTER.continue),
  accept: encodeFrame(ANSWER_LETTER.accept),
  reject: encodeFrame(ANSWER_LETTER.reject),
  tempfail: encodeFrame(ANSWER_LETTER.tempfail),
  discard: encodeFrame(ANSWER_LETTER.discard),
  skip: encodeFrame(ANSWER_LETTER.skip),
  progress: encodeFrame(ANSWER_LETTER.progress),
};

/** RangeError for what no MTA would take: a reply text or an edit that breaks the rules. */
// oxlint-disable-next-line typescript/consistent-return -- tsc proves the switch exhaustive
export function encodeReply(reply: Reply): Buffer {
  switch (reply.kind) {
    case 'continue':
    case 'accept':
    case 'reject':
    case 'tempfail':
    case 'discard':
    case 'skip':
    case 'progress':
      return ANSWER_FRAME[reply.kind];
    case 'replycode':
      return encodeFrame('y', terminated([replyText(reply)]));
    case 'quarantine':
      return encodeFrame('q', terminated([reply.reason]));
    case 'addHeader':
      return encodeFrame('h', terminated([reply.name, reply.value]));
    case 'insertHeader':
      return encodeFrame('i', indexed(reply.index, [reply.name, reply.value]));
    case 'changeHeader':
      return encodeFrame('m', indexed(reply.index, [reply.name, reply.value]));
    case 'replaceBody':
      if (reply.chunk.length > CHUNK_BYTES) {
        throw new RangeError(`body chunk of ${reply.chunk.length} bytes, most ${CHUNK_BYTES}`);
      }
      return encodeFrame('b', reply.chunk);
    case 'addRecipient':
      return reply.args === undefined
        ? encodeFrame('+', terminated([reply.address]))
        : encodeFrame('2', terminated([reply.address, reply.args]));
    case 'deleteRecipient':
      return encodeFrame('-', terminated([reply.address]));
    case 'changeFrom':
      return encodeFrame('e', terminated([reply.address, ...(reply.args ? [reply.args] : [])]));
    case 'optneg':
      return encodeFrame('O', encodeAgreement(reply));
  }
}

/**
 * The text of a reply as the strictest reader wants it: the code on each line and the enhanced
 * code with it, CRLF between lines, every percent sign doubled.
 */
function replyText(reply: ReplyCode): string {
  checkReplyCode(reply);
  const last = reply.lines.length - 1;
  return reply.lines
    .map((line, at) => {
      const dsn = reply.dsn === undefined ? '' : `${reply.dsn} `;
      return `${reply.code}${at === last ? ' ' : '-'}${dsn}${line.replaceAll('%', '%%')}`;
    })
    .join('\r\n');
}

function indexed(index: number, strings: readonly string[]): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(index);
  return Buffer.concat([head, terminated(strings)]);
}

function encodeAgreement({ version, actions, protocol, macros }: Agreement): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt32BE(version >>> 0, 0);
  head.writeUInt32BE(actions >>> 0, 4);
  head.writeUInt32BE(protocol >>> 0, 8);
  const lists = macros.map(({ stage, names }) => indexed(MACRO_STAGE[stage], [names.join(' ')]));
  return Buffer.concat([head, ...lists]);
}
