/**
 * Accounts by name: a provider's is called as the provider, a sender's at a provider after both, with
 * a blank between them, which no provider has in its name.
 */

/** Senders that have accounts of their own at the same time, at all providers together. */
export const MOST_SENDERS = 10_000;
/** The one that all further senders share at a provider. */
const OTHERS = '*';

export interface Holder {
  readonly provider: string;
  readonly sender?: string;
}

export function accountName({ provider, sender }: Holder): string {
  return sender === undefined ? provider : `${provider} ${sender}`;
}

/** What senders beyond MOST_SENDERS are charged to: stricter than was promised, never laxer. */
export function othersName({ provider }: Holder): string {
  return `${provider} ${OTHERS}`;
}

export function isSendersAccount(name: string): boolean {
  return name.includes(' ');
}
