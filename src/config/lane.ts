import { canonicalAddress, parseAddress } from '../mail/address.ts';
import type { LaneConfig } from './config.ts';

/**
 * Sender -> the name of its lane. A listed address goes before its listed domain; the null sender
 * and whoever is not listed are in `default`.
 */
export function createLaneOf(lanes: readonly LaneConfig[]): (sender: string) => string {
  const bySender = new Map(
    lanes.flatMap(({ name, senders }) => senders.map((sender) => [sender, name] as const)),
  );
  return (sender) => {
    const address = parseAddress(sender);
    const exact = bySender.get(canonicalAddress(address));
    if (exact !== undefined || address.kind === 'null') return exact ?? 'default';
    return bySender.get(`@${address.destination ?? ''}`) ?? 'default';
  };
}
