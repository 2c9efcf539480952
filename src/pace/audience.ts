/**
 * Who a message goes to, as pacing counts it: recipients that leave the machine, by provider. Mail
 * that stays (local, virtual, relayed inside) is nobody's demand and never held.
 */
import type { Mode } from '../provider/provider.ts';
import type { Grouped, Share } from './item.ts';

/** A provider as pacing needs it. */
export interface Target {
  readonly id: string;
  readonly mode: Mode;
  /** The recipient's destination, where it is the provider's by its MX alone. */
  readonly member?: string;
}

/**
 * undefined: the recipient stays on this machine. `grouped`: what was decided of its destination
 * when the message came; without it what is known now decides.
 */
export type TargetOf = (recipient: string, grouped?: Grouped) => Target | undefined;

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

/** `grouped`: as `targetOf` takes it. */
export function audienceOf(
  recipients: readonly string[],
  targetOf: TargetOf,
  grouped: Grouped | undefined,
): Audience {
  const byProvider = new Map<string, string[]>();
  const modes = new Map<string, Target['mode']>();
  const members = new Map<string, Set<string>>();
  /** Providers to which a recipient belongs by right. */
  const rightful = new Set<string>();
  // Most messages have one recipient, and this is asked of each message.
  const seen = recipients.length > 1 ? new Set<string>() : undefined;
  for (const recipient of recipients) {
    const target = targetOf(recipient, grouped);
    if (target === undefined) continue;
    const address = recipient.toLowerCase();
    if (seen?.has(address)) continue;
    seen?.add(address);
    modes.set(target.id, target.mode);
    if (target.member === undefined) rightful.add(target.id);
    else members.set(target.id, (members.get(target.id) ?? new Set()).add(target.member));
    const some = byProvider.get(target.id);
    if (some === undefined) byProvider.set(target.id, [address]);
    else some.push(address);
  }
  const held: Share[] = [];
  const observed: Share[] = [];
  for (const [provider, addresses] of byProvider) {
    const shares = modes.get(provider) === 'observe' ? observed : held;
    const some = rightful.has(provider) ? undefined : members.get(provider);
    shares.push({ provider, recipients: addresses.length, ...(some && { members: [...some] }) });
  }
  return { held, observed, byProvider };
}
