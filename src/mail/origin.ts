/** Where a message comes from: what tells its lane, and whose share of a provider it takes. */
import { canonicalAddress, parseAddress, withoutExtension } from './address.ts';
import type { HeaderText } from './header-text.ts';

export interface Origin {
  /** The reverse-path; '' for the null sender. */
  readonly sender: string;
  /** Who logged in (SASL); absent where nobody did, or where it is not known. */
  readonly login?: string | undefined;
  /** The address of the SMTP client; absent for mail from sendmail(1), or where it is not known. */
  readonly client?: string | undefined;
  /** Header values by lower-case name, of those names that were asked for; absent: none were. */
  readonly headers?: ReadonlyMap<string, readonly HeaderText[]>;
}

/** The header of mail by which postpace tells its administrator of something. */
export const ALERT_HEADER = 'X-Postpace-Alert';

/**
 * Whether it is such mail: by sendmail(1), with the null sender. Mail by SMTP is none, whatever its
 * headers say.
 */
export function isAlert({ sender, client, headers }: Origin): boolean {
  const isLocal = parseAddress(sender).kind === 'null' && client === undefined;
  return isLocal && headers?.has(ALERT_HEADER.toLowerCase()) === true;
}

/** Of longer names the beginning counts. */
const LONGEST = 256;

/**
 * Who a message counts for among a provider's senders: `login:` and the login, else the reverse-path
 * without its extension (`list+anna@example.org` is `list@example.org`), both in lower case. The
 * null sender is one sender, `<>`.
 */
export function senderKey({ sender, login }: Pick<Origin, 'sender' | 'login'>): string {
  if (login !== undefined) return `login:${login.toLowerCase()}`.slice(0, LONGEST);
  const address = canonicalAddress(parseAddress(sender));
  if (address === '') return '<>';
  return withoutExtension(address).slice(0, LONGEST);
}
