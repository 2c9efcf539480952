/** A message in the lanes. */
import type { Item } from '../../src/pace/item.ts';
import { aRecord } from './pacing.ts';

/** `shares`: recipients by provider. */
export function anItem(
  id: string,
  shares: Readonly<Record<string, number>>,
  more: { readonly sender?: string; readonly lane?: number; readonly observed?: boolean } = {},
): Item {
  const { sender = 'app@example.org', lane = 0, observed = false } = more;
  return {
    id,
    record: { ...aRecord(id, [], 0), sender },
    sender,
    lane,
    shares: Object.entries(shares).map(([provider, recipients]) => ({ provider, recipients })),
    observed,
    waiting: true,
    parkedBy: undefined,
  };
}
