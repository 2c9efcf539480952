/** What an MTA sends to a filter: frames read as typed commands. mta.ts writes them. */
import { ProtocolError } from './error.ts';
import type { Frame } from './frame.ts';
import { stringsOf, textOf } from './text.ts';

/** SMFIC_OPTNEG: what the MTA offers. */
export interface Offer {
  readonly kind: 'optneg';
  readonly version: number;
  readonly actions: number;
  readonly protocol: number;
}

/** SMFIC_MACRO: name, value, name, value, … for the event with this letter. */
export interface Macros {
  readonly kind: 'macros';
  readonly letter: string;
  readonly list: readonly string[];
}

/** SMFIC_CONNECT. */
export interface Connect {
  readonly kind: 'connect';
  /** `[192.0.2.1]` when the address has no name. */
  readonly host: string;
  readonly family: 'inet' | 'inet6' | 'unix' | 'unknown';
  /** Bare address or socket path; absent in family unknown. */
  readonly address?: string;
  /** 0 from sendmail(1) and on unix sockets; absent in family unknown. */
  readonly port?: number;
}

export interface Helo {
  readonly kind: 'helo';
  readonly name: string;
}

/** SMFIC_MAIL, SMFIC_RCPT. */
export interface Envelope<K extends 'mail' | 'rcpt'> {
  readonly kind: K;
  /** As the client typed it: `<a@example.org>`, `<>`, `postmaster`; bare from sendmail(1). */
  readonly address: string;
  /** The address as bytes. */
  readonly raw: Buffer;
  /** ESMTP arguments, unsplit: `SIZE=1000`. */
  readonly args: readonly string[];
}
export type Mail = Envelope<'mail'>;
export interface Rcpt extends Envelope<'rcpt'> {
  /** The MTA refuses this recipient itself; the answer counts for nothing. */
  readonly rejected?: { readonly dsn: string; readonly text: string };
}

/** SMFIC_UNKNOWN: a command the MTA does not know (Postfix up to 3.7: its verb alone). */
export interface Unknown {
  readonly kind: 'unknown';
  readonly line: string;
}

/** SMFIC_HEADER. Folded lines are joined by LF; one space after the colon is gone. */
export interface Header {
  readonly kind: 'header';
  readonly name: string;
  readonly value: Buffer;
}

/** SMFIC_BODY: at most 65535 bytes, CRLF lines. */
export interface Body {
  readonly kind: 'body';
  readonly chunk: Buffer;
}

/** SMFIC_BODYEOB; old MTAs put the last piece of the body into it. */
export interface Eom {
  readonly kind: 'eom';
  readonly chunk?: Buffer;
}

/** Events without a payload: SMFIC_DATA, SMFIC_EOH. */
export interface Bare {
  readonly kind: 'data' | 'eoh';
}

/** SMFIC_ABORT, SMFIC_QUIT, SMFIC_QUIT_NC: never answered. */
export interface Ending {
  readonly kind: 'abort' | 'quit' | 'quit_nc';
}

export type Command = Offer | Macros | EventCommand | Ending;

/** The commands that are events. */
export type EventCommand = Connect | Helo | Mail | Rcpt | Unknown | Header | Body | Eom | Bare;

const FAMILY = { 4: 'inet', 6: 'inet6', L: 'unix', U: 'unknown' } as const;
const DATA: Bare = { kind: 'data' };
const EOH: Bare = { kind: 'eoh' };
const ABORT: Ending = { kind: 'abort' };
const QUIT: Ending = { kind: 'quit' };
const QUIT_NC: Ending = { kind: 'quit_nc' };
const EOM: Eom = { kind: 'eom' };

/** ProtocolError for an unknown letter or a payload that its letter does not allow. */
export function decodeCommand({ letter, payload }: Frame): Command {
  switch (letter) {
    case 'D':
      return decodeMacros(payload);
    case 'M':
      return decodeEnvelope('mail', payload);
    case 'R':
      return decodeEnvelope('rcpt', payload);
    case 'T':
      return DATA;
    case 'L':
      return decodeHeader(payload);
    case 'N':
      return EOH;
    case 'B':
      return { kind: 'body', chunk: payload };
    case 'E':
      return payload.length === 0 ? EOM : { kind: 'eom', chunk: payload };
    case 'A':
      return ABORT;
    case 'Q':
      return QUIT;
    case 'K':
      return QUIT_NC;
    case 'C':
      return decodeConnect(payload);
    case 'H':
      return { kind: 'helo', name: stringsOf(payload, 1, 'HELO')[0] ?? '' };
    case 'U':
      return { kind: 'unknown', line: stringsOf(payload, 1, 'UNKNOWN')[0] ?? '' };
    case 'O':
      return decodeOffer(payload);
    default:
      throw new ProtocolError(`unknown command ${JSON.stringify(letter)}`);
  }
}

function decodeOffer(payload: Buffer): Offer {
  if (payload.length < 12) {
    throw new ProtocolError(`OPTNEG: ${payload.length} bytes, expected 12`);
  }
  return {
    kind: 'optneg',
    version: payload.readUInt32BE(0),
    actions: payload.readUInt32BE(4),
    protocol: payload.readUInt32BE(8),
  };
}

/** Tolerant, as libmilter is: an odd name is dropped later, a missing last NUL does no harm. */
function decodeMacros(payload: Buffer): Macros {
  if (payload.length === 0) throw new ProtocolError('MACRO: no letter');
  const strings = textOf(payload.subarray(1)).split('\0');
  if (strings.at(-1) === '') strings.pop();
  return { kind: 'macros', letter: String.fromCharCode(payload[0] ?? 0), list: strings };
}

function decodeConnect(payload: Buffer): Connect {
  const end = payload.indexOf(0);
  if (end < 0) throw new ProtocolError('CONNECT: no NUL after the host');
  const host = textOf(payload.subarray(0, end));
  const byte = String.fromCharCode(payload[end + 1] ?? 0);
  if (byte !== '4' && byte !== '6' && byte !== 'L' && byte !== 'U') {
    throw new ProtocolError(`CONNECT: address family ${JSON.stringify(byte)}`);
  }
  const family = FAMILY[byte];
  if (family === 'unknown') return { kind: 'connect', host, family };
  if (payload.length < end + 4) throw new ProtocolError('CONNECT: no port');
  const port = payload.readUInt16BE(end + 2);
  const address = stringsOf(payload.subarray(end + 4), 1, 'CONNECT')[0] ?? '';
  // Sendmail writes the prefix of its address literals, Postfix the bare address.
  const bare = family === 'inet6' ? address.replace(/^IPv6:/i, '') : address;
  return { kind: 'connect', host, family, port, address: bare };
}

function decodeEnvelope<K extends 'mail' | 'rcpt'>(kind: K, payload: Buffer): Envelope<K> {
  const [address = '', ...args] = stringsOf(payload, 1, kind === 'mail' ? 'MAIL' : 'RCPT');
  return { kind, address, raw: payload.subarray(0, payload.indexOf(0)), args };
}

function decodeHeader(payload: Buffer): Header {
  const end = payload.indexOf(0);
  const last = payload.length - 1;
  if (end < 0 || end === last || payload[last] !== 0) {
    throw new ProtocolError('HEADER: expected a name and a value, each with its NUL');
  }
  return {
    kind: 'header',
    name: textOf(payload.subarray(0, end)),
    value: payload.subarray(end + 1, last),
  };
}
