/**
 * The other side of the wire: writes commands and reads replies, as an MTA does. For a client, a
 * test or a bench; the server needs none of it.
 */
import { MACRO_STAGE, MACRO_STAGES, STAGE_LETTER, type MacroStage } from './codes.ts';
import type { Command, Connect, Envelope } from './command.ts';
import { ProtocolError } from './error.ts';
import { encodeFrame, type Frame } from './frame.ts';
import { ANSWER_LETTER, type Agreement, type Answer, type Reply } from './reply.ts';
import { bytesOf, stringsOf, terminated, textOf } from './text.ts';
import type { ReplyCode } from './verdict.ts';

const FAMILY_BYTE = { inet: '4', inet6: '6', unix: 'L', unknown: 'U' } as const;

/** The frame of a command, as an MTA sends it. */
// oxlint-disable-next-line typescript/consistent-return -- tsc proves the switch exhaustive
export function encodeCommand(command: Command): Buffer {
  switch (command.kind) {
    case 'optneg': {
      const payload = Buffer.alloc(12);
      payload.writeUInt32BE(command.version >>> 0, 0);
      payload.writeUInt32BE(command.actions >>> 0, 4);
      payload.writeUInt32BE(command.protocol >>> 0, 8);
      return encodeFrame('O', payload);
    }
    case 'macros':
      return encodeFrame(
        'D',
        Buffer.concat([Buffer.from(command.letter, 'latin1'), terminated(command.list)]),
      );
    case 'connect':
      return encodeFrame('C', encodeConnect(command));
    case 'helo':
      return encodeFrame('H', terminated([command.name]));
    case 'mail':
    case 'rcpt':
      return encodeFrame(
        STAGE_LETTER[command.kind],
        terminated([textOf(command.raw), ...command.args]),
      );
    case 'unknown':
      return encodeFrame('U', terminated([command.line]));
    case 'header':
      return encodeFrame(
        'L',
        Buffer.concat([terminated([command.name]), command.value, Buffer.of(0)]),
      );
    case 'body':
      return encodeFrame('B', command.chunk);
    case 'eom':
      return encodeFrame('E', command.chunk);
    case 'data':
    case 'eoh':
      return encodeFrame(STAGE_LETTER[command.kind]);
    case 'abort':
      return encodeFrame('A');
    case 'quit':
      return encodeFrame('Q');
    case 'quit_nc':
      return encodeFrame('K');
  }
}

function encodeConnect({ host, family, port, address }: Connect): Buffer {
  const head = Buffer.concat([terminated([host]), Buffer.from(FAMILY_BYTE[family])]);
  if (family === 'unknown') return head;
  const portBytes = Buffer.alloc(2);
  portBytes.writeUInt16BE(port ?? 0);
  return Buffer.concat([head, portBytes, terminated([address ?? ''])]);
}

/** An envelope command from text: what a test or another MTA-side program writes. */
export function envelope<K extends 'mail' | 'rcpt'>(
  kind: K,
  address: string,
  args: readonly string[] = [],
): Envelope<K> {
  return { kind, address, raw: bytesOf(address), args };
}

/** ProtocolError for an unknown letter or a payload that its letter does not allow. */
export function decodeReply({ letter, payload }: Frame): Reply {
  const answer = ANSWERS.find((kind) => ANSWER_LETTER[kind] === letter);
  if (answer !== undefined) {
    if (payload.length > 0) throw new ProtocolError(`answer ${letter} with a payload`);
    return { kind: answer };
  }
  switch (letter) {
    case 'O':
      return decodeAgreement(payload);
    case 'y':
      return decodeReplyCode(payload);
    case 'q':
      return { kind: 'quarantine', reason: stringsOf(payload, 1, 'QUARANTINE')[0] ?? '' };
    case 'h': {
      const [name = '', value = ''] = stringsOf(payload, 2, 'ADDHEADER');
      return { kind: 'addHeader', name, value };
    }
    case 'i':
    case 'm': {
      if (payload.length < 4) throw new ProtocolError('header: no index');
      const [name = '', value = ''] = stringsOf(payload.subarray(4), 2, 'header');
      const kind = letter === 'i' ? 'insertHeader' : 'changeHeader';
      return { kind, index: payload.readUInt32BE(0), name, value };
    }
    case 'b':
      return { kind: 'replaceBody', chunk: payload };
    case '+':
      return { kind: 'addRecipient', address: stringsOf(payload, 1, 'ADDRCPT')[0] ?? '' };
    case '2': {
      const [address = '', args = ''] = stringsOf(payload, 1, 'ADDRCPT_PAR');
      return { kind: 'addRecipient', address, args };
    }
    case '-':
      return { kind: 'deleteRecipient', address: stringsOf(payload, 1, 'DELRCPT')[0] ?? '' };
    case 'e': {
      const [address = '', args] = stringsOf(payload, 1, 'CHGFROM');
      return { kind: 'changeFrom', address, ...(args === undefined ? {} : { args }) };
    }
    default:
      throw new ProtocolError(`unknown reply ${JSON.stringify(letter)}`);
  }
}

const ANSWERS: readonly Answer['kind'][] = [
  'continue',
  'accept',
  'reject',
  'tempfail',
  'discard',
  'skip',
  'progress',
];

function decodeAgreement(payload: Buffer): Agreement {
  if (payload.length < 12) {
    throw new ProtocolError(`OPTNEG: ${payload.length} bytes, expected 12`);
  }
  const macros: { stage: MacroStage; names: string[] }[] = [];
  for (let at = 12; at < payload.length;) {
    const end = payload.indexOf(0, at + 4);
    if (end < 0) throw new ProtocolError('OPTNEG: no NUL after a macro list');
    const number = payload.readUInt32BE(at);
    const stage = MACRO_STAGES.find((name) => MACRO_STAGE[name] === number);
    if (stage === undefined) throw new ProtocolError(`OPTNEG: macro stage ${number}`);
    const names = textOf(payload.subarray(at + 4, end)).split(' ');
    macros.push({ stage, names: names.filter((name) => name !== '') });
    at = end + 1;
  }
  return {
    kind: 'optneg',
    version: payload.readUInt32BE(0),
    actions: payload.readUInt32BE(4),
    protocol: payload.readUInt32BE(8),
    macros,
  };
}

/** As a new Postfix reads it: the same code on each line, the class of the enhanced code its own. */
function decodeReplyCode(payload: Buffer): ReplyCode {
  const [text = '', ...rest] = stringsOf(payload, 1, 'REPLYCODE');
  if (rest.length > 0) throw new ProtocolError('REPLYCODE: NUL inside');
  const rows = text.split('\r\n').map((row) => {
    const match = /^([45]\d\d)([ -])(?:([45]\.\d{1,3}\.\d{1,3}) )?([^\r\n]*)$/.exec(row);
    if (!match) throw new ProtocolError(`REPLYCODE: ${JSON.stringify(row)}`);
    const [, code = '', mark = '', dsn, line = ''] = match;
    if (dsn !== undefined && dsn[0] !== code[0]) {
      throw new ProtocolError(`REPLYCODE: ${dsn} does not go with ${code}`);
    }
    if (line.replaceAll('%%', '').includes('%')) throw new ProtocolError('REPLYCODE: lone %');
    return { code, mark, dsn, line: line.replaceAll('%%', '%') };
  });
  const last = rows.length - 1;
  const { code, dsn } = rows[0] ?? { code: '', dsn: undefined };
  rows.forEach((row, at) => {
    const fits = row.code === code && row.dsn === dsn && row.mark === (at === last ? ' ' : '-');
    if (!fits) throw new ProtocolError(`REPLYCODE: line ${at + 1} does not fit the others`);
  });
  return {
    kind: 'replycode',
    code: Number(code),
    ...(dsn === undefined ? {} : { dsn }),
    lines: rows.map(({ line }) => line),
  };
}
