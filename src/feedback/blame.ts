/**
 * Whose doing a refusal is: mail of ours can be refused for the address of somebody who forwarded it,
 * and slowing down would not help him. Decided by the IP addresses that the reply names, by the
 * original against the final recipient, and by whether we heard the reply ourselves.
 */
import { isIPv4, isIPv6 } from 'node:net';

export type Blame = 'ours' | 'intermediary' | 'unknown';

export interface Evidence {
  /** Whom the refused copy was for (Final-Recipient; in the log `to=`). */
  readonly recipient?: string | undefined;
  /** Whom we sent it to (Original-Recipient), where it was somebody else. */
  readonly originalRecipient?: string | undefined;
  /**
   * The server that our own Postfix heard it from: `mx.example.org[192.0.2.1]:25`. Absent where
   * somebody else reports it (a DSN).
   */
  readonly relay?: string | undefined;
  /** What other servers see us come from. */
  readonly ownAddresses?: readonly string[] | undefined;
}

const BETWEEN = /[^0-9a-f.:]+/i;
/** Nobody's address on the Internet: this host, inside networks, a block list's answer. */
const INSIDE =
  /^(?:0|10|127)\.|^169\.254\.|^192\.168\.|^172\.(?:1[6-9]|2\d|3[01])\.|^fe[89ab]|^f[cd]|^::1?$/;

/** `written` is the reply as Reply.written has it. */
export function blameOf(written: string, evidence: Evidence): Blame {
  const own = (evidence.ownAddresses ?? []).map(canonical).filter((each) => each !== undefined);
  const named = addressesIn(written);
  if (named.some((each) => own.includes(each))) return 'ours';
  const relay = addressesIn(evidence.relay ?? '');
  const strangers = named.filter((each) => !INSIDE.test(each) && !relay.includes(each));
  // Behind NAT or with an address missing from the list, a stranger's address may well be ours:
  // only who knows his own address of that family can tell.
  const telling = strangers.some((each) =>
    own.some((mine) => isIPv4(mine) === isIPv4(each) && !INSIDE.test(mine)),
  );
  if (telling) return 'intermediary';
  if (isForwarded(evidence)) return strangers.length === 0 ? 'intermediary' : 'unknown';
  return evidence.relay !== undefined && strangers.length === 0 ? 'ours' : 'unknown';
}

/** Somebody behind our peer rewrote the recipient; our own Postfix would have said the relay. */
function isForwarded({ recipient, originalRecipient, relay }: Evidence): boolean {
  return (
    relay === undefined &&
    recipient !== undefined &&
    originalRecipient !== undefined &&
    recipient.toLowerCase() !== originalRecipient.toLowerCase()
  );
}

/** The IP addresses in a text, each in one spelling. */
export function addressesIn(text: string): readonly string[] {
  const found = new Set<string>();
  for (const word of text.replace(/ipv6:/gi, ' ').split(BETWEEN)) {
    // Yahoo ends its replies in numbers of its own, `- 4.16.55.1` and `[#4.16.1]`.
    if (word.length < 3 || word.startsWith('4.16.')) continue;
    const address = canonical(word) ?? canonical(trimmed(word));
    if (address !== undefined) found.add(address);
  }
  return [...found];
}

/** `192.0.2.1:25`, `192.0.2.1.`, `:127.0.0.4:` without what is around the address. */
function trimmed(word: string): string {
  const bare = word.replace(/^[.:]/, '').replace(/[.:]$/, '');
  const colon = bare.indexOf(':');
  return colon > 0 && isIPv4(bare.slice(0, colon)) ? bare.slice(0, colon) : bare;
}

function canonical(address: string): string | undefined {
  if (isIPv4(address)) return address;
  if (!isIPv6(address)) return undefined;
  const inner = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(inner);
  if (mapped === null) return inner;
  const [high, low] = [
    Number.parseInt(mapped[1] ?? '0', 16),
    Number.parseInt(mapped[2] ?? '0', 16),
  ];
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}
