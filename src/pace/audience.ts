/**
 * Who a message goes to, as pacing counts it: recipients that leave the machine, by provider. Mail
 * that stays (local, virtual, relayed inside) is nobody's demand and never held.
 */
import type { Share } from './item.ts';

/** A provider as pacing needs it. */
export interface Target {
  readonly id: string;
  readonly mode: 'hold' | 'observe';
}

export interface Audience {
  /** Recipients whose provider is paced: they decide whether the message is held. */
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
  const byProvider = new Map<string, Set<string>>();
  const modes = new Map<string, Target['mode']>();
  for (const recipient of recipients) {
    const target = targetOf(recipient);
    if (target === undefined) continue;
    modes.set(target.id, target.mode);
    const one = byProvider.get(target.id);
    if (one === undefined) byProvider.set(target.id, new Set([recipient.toLowerCase()]));
    else one.add(recipient.toLowerCase());
  }
  const shares = (mode: Target['mode']): Share[] =>
    [...byProvider]
      .filter(([provider]) => modes.get(provider) === mode)
      .map(([provider, addresses]) => ({ provider, recipients: addresses.size }));
  return {
    held: shares('hold'),
    observed: shares('observe'),
    byProvider: new Map([...byProvider].map(([provider, some]) => [provider, [...some]])),
  };
}
