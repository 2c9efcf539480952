/**
 * The token in a header of our mail, by which a report that comes back proves that it is about mail
 * that we sent: which message, when, and to whom, under a key that only our hosts have. The proof
 * needs no record, so it holds after a restart and on every host with the same key.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { canonicalAddress, parseAddress } from '../mail/address.ts';

export const TOKEN_HEADER = 'X-Postpace-Id';

export interface TokenFacts {
  /** The message, unique in the pool: `host/queue-id`. */
  readonly id: string;
  /** When it was accepted, whole seconds since the epoch. */
  readonly atSec: number;
}

export type TokenVerdict =
  | {
      readonly kind: 'genuine';
      readonly facts: TokenFacts;
      /** Whether one of these was a recipient; undefined: the token is silent about recipients. */
      readonly wentTo: (address: string) => boolean | undefined;
    }
  | { readonly kind: 'forged' };

/** Mail to more recipients does not name them: its reports need a record. */
export const MOST_TAGS = 50;
const TAG_CHARACTERS = 6;
const MAC_CHARACTERS = 22;
const LONGEST = 1500;
const FORM = /^v=1;id=([\w.:/-]{1,300});t=(\d{1,12});r=([\w,*-]{0,400});s=([\w-]{22})$/;

/** The header's value, folded. `recipients`: addresses in any spelling. */
export function signToken(
  key: Uint8Array,
  { id, atSec }: TokenFacts,
  recipients: readonly string[],
): string {
  const tags =
    recipients.length > MOST_TAGS
      ? '*'
      : [...new Set(recipients.map((one) => tagOf(key, id, one)))].join(',');
  const facts = `v=1;id=${id};t=${atSec};r=${tags}`;
  const mac = macOf(key, facts, MAC_CHARACTERS);
  const lines = tags.match(/.{1,70}(?:,|$)/g) ?? [''];
  return `v=1; id=${id};\n t=${atSec}; r=${lines.join('\n ')};\n s=${mac}`;
}

/** `value` as it came back, folded or not. */
export function checkToken(key: Uint8Array, value: string): TokenVerdict {
  const plain = value.slice(0, LONGEST).replace(/\s+/g, '');
  const found = FORM.exec(plain);
  if (found === null) return { kind: 'forged' };
  const [, id = '', at = '', tags = '', mac = ''] = found;
  const expected = Buffer.from(macOf(key, `v=1;id=${id};t=${at};r=${tags}`, MAC_CHARACTERS));
  if (!timingSafeEqual(expected, Buffer.from(mac))) return { kind: 'forged' };
  const known = new Set(tags.split(','));
  return {
    kind: 'genuine',
    facts: { id, atSec: Number(at) },
    wentTo: (address) => (tags === '*' ? undefined : known.has(tagOf(key, id, address))),
  };
}

/** A recipient under the key: whoever gets a copy learns nobody's address from it. */
function tagOf(key: Uint8Array, id: string, address: string): string {
  return macOf(key, `r;${id};${canonicalAddress(parseAddress(address))}`, TAG_CHARACTERS);
}

function macOf(key: Uint8Array, text: string, characters: number): string {
  return createHmac('sha256', key).update(text).digest('base64url').slice(0, characters);
}
