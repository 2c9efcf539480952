/**
 * Who a message goes to, as pacing counts it: recipients that leave the machine, by provider. Mail
 * that stays (local, virtual, relayed inside) is nobody's demand and never held.
 */
import type { Mode } from '../provider/provider.ts';
import type { Share } from './item.ts';

/** A provider as pacing needs it. */
export interface Target {
  readonly id: string;
  readonly mode: Mode;
}

export interface Audience {
  /**
   * Recipients whose provider is paced: they decide whether the message is held. Those in tempfail
   * mode too, unless they were let in at RCPT: where nothing may be refused, mail is held.
   */
  readonly held: readonly Share[];
  /** Recipients whose provider is only observed. */
  readonly observed: readonly Share[];
  /** Lower-case addresses by provider. */
  readonly byProvider: ReadonlyMap<string, readonly string[]>;
}

/** `targetOf` answers undefined for a recipient that stays on this machine. */
export function audienceOf(
  recipients: readonly string[],
  targetOf: (recipient: string) => Target | undefined,
): Audience {
  const byProvider = new Map<string, string[]>();
  const modes = new Map<string, Target['mode']>();
  // Most messages have one recipient, and this is asked of each message.
  const seen = recipients.length > 1 ? new Set<string>() : undefined;
  for (const recipient of recipients) {
    const target = targetOf(recipient);
    if (target === undefined) continue;
    const address = recipient.toLowerCase();
    if (seen?.has(address)) continue;
    seen?.add(address);
    modes.set(target.id, target.mode);
    const some = byProvider.get(target.id);
    if (some === undefined) byProvider.set(target.id, [address]);
    else some.push(address);
  }
  const held: Share[] = [];
  const observed: Share[] = [];
  for (const [provider, addresses] of byProvider) {
    const shares = modes.get(provider) === 'observe' ? observed : held;
    shares.push({ provider, recipients: addresses.length });
  }
  return { held, observed, byProvider };
}
