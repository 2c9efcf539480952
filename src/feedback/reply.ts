/**
 * A reply as the rules see it. What comes in is what Postfix logs, what a DSN's Diagnostic-Code says,
 * or bare text; whatever it is, it is read, bounded, and never refused.
 */
import { ECHO } from '../postfix/event.ts';

export type Stage = 'connect' | 'helo' | 'mail' | 'rcpt' | 'data' | 'message';

export interface Reply {
  /** 200 to 599; undefined: nobody replied, as in `Connection timed out`. */
  readonly code: number | undefined;
  /** Enhanced status code (RFC 3463): `4.7.650`. */
  readonly status: string | undefined;
  /** What was refused, where Postfix says it. */
  readonly stage: Stage | undefined;
  /** Lower case, single blanks, lines joined; mail addresses as `@`, IPv4 addresses as `ip`. */
  readonly text: string;
  /** The same with addresses, as written: for the IP addresses in it. */
  readonly written: string;
}

/** Longer text is cut: nothing that decides comes so late, and a stranger chose the length. */
export const MOST_CHARACTERS = 2000;

const CODE = /(?:^|[:;>("'] ?)([245]\d\d)(?=[- ]|$)/;
const STATUS = /(?:^|[^\d.])([245]\.\d{1,3}\.\d{1,3})(?!\.?\d)/;
/** Not 127.0.0.0/8: there a block list says why. */
const IPV4 = /\b(?!127\.)\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b/g;
/** What the reply filter makes of a code (reply-table.ts): the true one is in the mark. */
const TURNED = /(?:450 (?:4\.\d\.\d )?)?\[postpace ([245]\d\d)\]/;
const STAGES: readonly (readonly [sign: string, stage: Stage])[] = [
  ['end of data', 'message'],
  ['bdat', 'message'],
  ['data', 'data'],
  ['rcpt', 'rcpt'],
  ['mail', 'mail'],
  ['helo', 'helo'],
  ['ehlo', 'helo'],
];

const ECHOED = `${ECHO}: `;

/**
 * What Exim writes around a reply, in either order: `host mx [192.0.2.1] SMTP error from remote mail
 * server after RCPT TO:<a@b>: 550 …`. The address is the other side's, and nobody refuses that.
 */
const EXIM =
  /(?:host \S{1,255} \[[\da-f.:]{2,45}\]:? )?smtp error from remote mail(?:er| server) after ([a-z ]{3,30})(?::<[^<>]{0,300}>(?: [^ :]{1,60}){0,5})?: (?:host \S{1,255} \[[\da-f.:]{2,45}\]: )?/i;

/** What was refused, where Postfix says it. */
export function stageOf(input: string): Stage | undefined {
  return unwrap(bounded(input)).stage;
}

export function readReply(input: string): Reply {
  const { stage, rest } = unwrap(bounded(input));
  const plain = rest.replace(TURNED, '$1');
  const code = CODE.exec(plain)?.[1];
  const status = statusIn(plain);
  const written = joinLines(plain, code, status).slice(0, MOST_CHARACTERS);
  return {
    code: code === undefined ? undefined : Number(code),
    status,
    stage,
    text: withoutAddresses(plainAscii(written.toLowerCase())).replace(IPV4, 'ip'),
    written,
  };
}

/** The first enhanced status code in a text; a part of an IP address is none. */
export function statusIn(text: string): string | undefined {
  return STATUS.exec(text)?.[1];
}

function bounded(input: string): string {
  return withSingleBlanks(input.slice(0, 2 * MOST_CHARACTERS));
}

function withSingleBlanks(text: string): string {
  return /\s\s|[^\S ]/.test(text) ? text.replace(/\s+/g, ' ').trim() : text.trim();
}

/** Takes off what Postfix puts around a reply: who said it, and to which command. */
function unwrap(text: string): { readonly stage: Stage | undefined; readonly rest: string } {
  let rest = text;
  let stage: Stage | undefined;
  const at = rest.lastIndexOf('(in reply to ');
  if (at >= 0) {
    const command = rest.slice(at, at + 60).toLowerCase();
    stage = STAGES.find(([sign]) => command.includes(sign))?.[1];
    rest = rest.slice(0, at).trimEnd();
  }
  if (rest.startsWith(ECHOED)) rest = rest.slice(ECHOED.length);
  const host = /^host \S{1,300} (said|refused to talk to me): /.exec(rest);
  if (host === null) return unwrapExim(stage, rest);
  if (host[1] !== 'said') stage ??= 'connect';
  return { stage, rest: rest.slice(host[0].length) };
}

function unwrapExim(
  known: Stage | undefined,
  text: string,
): { readonly stage: Stage | undefined; readonly rest: string } {
  const found = EXIM.exec(text);
  if (found === null) return { stage: known, rest: text };
  const command = (found[1] ?? '').toLowerCase();
  const stage = command.includes('connection')
    ? 'connect'
    : STAGES.find(([sign]) => command.includes(sign))?.[1];
  const before = text.slice(0, found.index).trimEnd().replace(/:$/, '');
  const reply = text.slice(found.index + found[0].length);
  return { stage: known ?? stage, rest: before === '' ? reply : `${before}: ${reply}` };
}

/** `550-5.7.1 a 550-5.7.1 b 550 5.7.1 c` and `550-a 550 b` as one line. */
function joinLines(text: string, code: string | undefined, status: string | undefined): string {
  if (code === undefined || !text.includes(`${code}-`)) return text;
  let joined = text;
  if (status !== undefined) {
    joined = joined.replaceAll(` ${code}-${status} `, ' ').replaceAll(` ${code} ${status} `, ' ');
  }
  return joined.replaceAll(` ${code}-`, ' ').replaceAll(` ${code} `, ' ');
}

/** Accents and typographic quotes away, so that `rejeté` and `rejete` are one word. */
function plainAscii(text: string): string {
  if (/^[\0-\x7f]*$/.test(text)) return text;
  return text
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/[\u2018\u2019]/g, "'")
    .replaceAll('\u0142', 'l')
    .replaceAll('\u00df', 'ss')
    .slice(0, MOST_CHARACTERS);
}

const AROUND = new Set(' <>()[]"\',;:');

/** Mail addresses as `@`: a mailbox may be called `spam`, and its owner writes no reply. */
function withoutAddresses(text: string): string {
  let at = text.indexOf('@');
  if (at < 0) return text;
  let result = '';
  let done = 0;
  while (at >= 0) {
    let start = at;
    while (start > done && !AROUND.has(text[start - 1] ?? ' ')) start -= 1;
    let end = at + 1;
    while (end < text.length && !AROUND.has(text[end] ?? ' ')) end += 1;
    result += `${text.slice(done, start)}@`;
    done = end;
    at = text.indexOf('@', end);
  }
  return result + text.slice(done);
}
