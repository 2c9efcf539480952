/**
 * What the DNS says of a domain's mail hosts: the question as bytes, and the reply read. Pure, and
 * every reply is a value: who answers may be a stranger.
 *
 * A dot inside a label can't be told from one between two (dns-packet gives names as text). A host
 * named so can't be reached by anyone: Postfix refuses such names too.
 */
import { AUTHENTIC_DATA, decode, encode, RECURSION_DESIRED } from 'dns-packet';
import type { DecodedPacket } from 'dns-packet';

export type MxAnswer =
  /** Lower case, sorted, each once. Not empty. */
  | { readonly kind: 'hosts'; readonly hosts: readonly string[] }
  /** RFC 7505: it takes no mail. */
  | { readonly kind: 'null' }
  /** No MX: mail goes to the domain's own address, if it has one (RFC 5321, 5.1). */
  | { readonly kind: 'address' }
  /** There is no such domain. */
  | { readonly kind: 'missing' }
  /** Nothing that names hosts: `why` is a part of a sentence. */
  | { readonly kind: 'unusable'; readonly why: string };

export type MxReply =
  | { readonly kind: 'answer'; readonly answer: MxAnswer; readonly ttlSec: number }
  /** It did not fit: to be asked again over TCP. */
  | { readonly kind: 'truncated' }
  /** The server has no answer: SERVFAIL, REFUSED, or a reply that can't be read. */
  | { readonly kind: 'failed'; readonly why: string };

/** More hosts than any mail system has: who lists more is not looked at. */
const MOST_HOSTS = 64;
/** Aliases of a domain, one after the other. */
const MOST_ALIASES = 12;
/** What fits unfragmented everywhere (DNS flag day 2020). */
const UDP_BYTES = 1232;
const TRUNCATED = 0x0200;
const RESPONSE = 0x8000;
/** RFC 2181, 8: a TTL with the highest bit set is zero. */
const LONGEST_TTL = 0x7fffffff;

const HOST =
  /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/;
const DIGITS_ONLY = /^[0-9.]+$/;

/** Whether a destination can be asked for: a domain name of at least two labels. */
export function isDomain(destination: string): boolean {
  return destination.includes('.') && HOST.test(destination) && !DIGITS_ONLY.test(destination);
}

/** `domain` as isDomain accepts it; `id` 0 to 65535. */
export function encodeQuestion(id: number, domain: string): Buffer {
  return encode({
    type: 'query',
    id,
    flags: RECURSION_DESIRED | AUTHENTIC_DATA,
    questions: [{ type: 'MX', name: domain }],
    additionals: [
      {
        type: 'OPT',
        name: '.',
        udpPayloadSize: UDP_BYTES,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: 0,
        flag_do: false,
        options: [],
      },
    ],
  });
}

/** undefined: not the reply to this question. */
export function readReply(bytes: Buffer, id: number, domain: string): MxReply | undefined {
  if (bytes.length < 12 || bytes.readUInt16BE(0) !== id) return undefined;
  const flags = bytes.readUInt16BE(2);
  if ((flags & RESPONSE) === 0) return undefined;
  const code = flags & 0xf;
  if ((flags & TRUNCATED) !== 0) return { kind: 'truncated' };
  let packet: DecodedPacket;
  try {
    packet = decode(bytes);
  } catch {
    return { kind: 'failed', why: 'a reply that cannot be read' };
  }
  const [question] = packet.questions ?? [];
  if (question === undefined) return code === 0 ? undefined : refused(code);
  if (question.type !== 'MX' || question.name.toLowerCase() !== domain) return undefined;
  if (code === 3) return { kind: 'answer', answer: { kind: 'missing' }, ttlSec: absence(packet) };
  return code === 0 ? answerOf(packet, domain) : refused(code);
}

const CODES = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'];

function refused(code: number): MxReply {
  return { kind: 'failed', why: CODES[code] ?? `error ${code}` };
}

function answerOf(packet: DecodedPacket, domain: string): MxReply {
  const names = new Set([domain]);
  const exchanges: string[] = [];
  let ttlSec = LONGEST_TTL;
  let owner = domain;
  const records = packet.answers ?? [];
  const aliases = new Map<string, { readonly to: string; readonly ttlSec: number }>();
  for (const record of records) {
    if (record.type !== 'CNAME') continue;
    const to = record.data.toLowerCase();
    aliases.set(record.name.toLowerCase(), { to, ttlSec: ttlOf(record) });
  }
  for (let alias = aliases.get(owner); alias !== undefined; alias = aliases.get(owner)) {
    owner = alias.to;
    ttlSec = Math.min(ttlSec, alias.ttlSec);
    if (names.has(owner) || names.size > MOST_ALIASES) {
      return { kind: 'failed', why: 'aliases that lead nowhere' };
    }
    names.add(owner);
  }
  for (const record of records) {
    if (record.type !== 'MX' || record.name.toLowerCase() !== owner) continue;
    ttlSec = Math.min(ttlSec, ttlOf(record));
    exchanges.push(record.data.exchange.toLowerCase());
  }
  if (exchanges.length === 0) {
    const none = Math.min(ttlSec, absence(packet));
    return { kind: 'answer', answer: { kind: 'address' }, ttlSec: none };
  }
  return { kind: 'answer', answer: hostsOf(exchanges), ttlSec };
}

function hostsOf(exchanges: readonly string[]): MxAnswer {
  if (exchanges.every((host) => host === '.')) return { kind: 'null' };
  const hosts = [...new Set(exchanges)].toSorted();
  if (hosts.length > MOST_HOSTS) {
    return { kind: 'unusable', why: `it lists more than ${MOST_HOSTS} MX hosts` };
  }
  return hosts.every((host) => HOST.test(host) && !DIGITS_ONLY.test(host))
    ? { kind: 'hosts', hosts }
    : { kind: 'unusable', why: 'one of its MX records names no host' };
}

/** RFC 2308, 5: the lesser of the SOA's own TTL and its last field; without an SOA none. */
function absence(packet: DecodedPacket): number {
  const soa = packet.authorities?.find((record) => record.type === 'SOA');
  return soa?.type === 'SOA' ? Math.min(ttlOf(soa), soa.data.minimum ?? 0) : 0;
}

function ttlOf(record: { readonly ttl?: number | undefined }): number {
  const ttl = record.ttl ?? 0;
  return ttl > LONGEST_TTL ? 0 : ttl;
}
