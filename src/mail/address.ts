/**
 * Envelope addresses as a milter is given them: what the client typed, brackets and all (over SMTP),
 * or bare (from sendmail(1)). Parsing never throws; every input is a value.
 */
import { toDestination } from './destination.ts';

export type Address =
  /** The null sender: `<>`, or an empty string. */
  | { readonly kind: 'null' }
  | {
      readonly kind: 'mailbox';
      /** As typed, without brackets and source route. */
      readonly text: string;
      /** As typed, quotes included; its case may matter to its owner. */
      readonly local: string;
      /** Absent: no domain, as in `postmaster`. */
      readonly destination?: string;
    };

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads one address: `<a@b>`, `a@b`, `<>`, the empty string, bare `postmaster`, source routes
 * (RFC 5321, appendix C: dropped), quoted local parts, SMTPUTF8. Bytes that aren't UTF-8 are read
 * as Latin-1, so that they stay distinct.
 */
export function parseAddress(input: string | Uint8Array): Address {
  const text = withoutRoute(withoutBrackets(asText(input).trim()));
  if (text === '') return { kind: 'null' };
  const at = lastAt(text);
  if (at < 0) return { kind: 'mailbox', text, local: text };
  const local = text.slice(0, at);
  const destination = toDestination(text.slice(at + 1));
  return { kind: 'mailbox', text, local, ...(destination !== undefined && { destination }) };
}

/**
 * The form in which two spellings of an address are equal: lower case, the domain as destination.
 * '' for the null sender, as in Postfix's own lookups of an empty address.
 */
export function canonicalAddress(address: Address): string {
  if (address.kind === 'null') return '';
  const local = address.local.toLowerCase();
  return address.destination === undefined ? local : `${local}@${address.destination}`;
}

/**
 * A canonical address without its extension: `jane+news@example.org` is `jane@example.org`, one
 * mailbox under as many names as its owner likes.
 */
export function withoutExtension(address: string): string {
  const plus = address.indexOf('+');
  const at = address.lastIndexOf('@');
  return plus > 0 && plus < at ? address.slice(0, plus) + address.slice(at) : address;
}

function asText(input: string | Uint8Array): string {
  if (typeof input === 'string') return input;
  try {
    return utf8.decode(input);
  } catch {
    return Buffer.from(input).toString('latin1');
  }
}

function withoutBrackets(text: string): string {
  return text.startsWith('<') && text.endsWith('>') ? text.slice(1, -1) : text;
}

/** `@a,@b:user@c` -> `user@c`; a colon inside an address literal of the route doesn't end it. */
function withoutRoute(text: string): string {
  if (!text.startsWith('@')) return text;
  let literal = false;
  for (let i = 0; i < text.length; i += 1) {
    const c = text[i];
    if (c === '[') literal = true;
    else if (c === ']') literal = false;
    else if (c === ':' && !literal) return text.slice(i + 1);
  }
  return text;
}

/** The @ before the domain: the last one outside quotes, or the last at all if quotes don't match. */
function lastAt(text: string): number {
  let quoted = false;
  let at = -1;
  for (let i = 0; i < text.length; i += 1) {
    const c = text[i];
    if (c === '\\') i += 1;
    else if (c === '"') quoted = !quoted;
    else if (c === '@' && !quoted) at = i;
  }
  return quoted ? text.lastIndexOf('@') : at;
}
