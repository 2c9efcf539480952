/**
 * Whether mail behind a head may go without delaying it. The head has recipients at a second
 * provider that can't take them before `headUs`; what leaves here until then must leave room for it.
 */
import type { Limits } from '../limit/limits.ts';
import type { Debt } from '../store/store.ts';
import type { Item } from './item.ts';

/** Outcomes and quota room come back by themselves within about this time. */
const SOON_US = 30_000_000;

/**
 * `debt`: what the provider owes as of the head's refusal; `headUs`, `nowUs`: the same clock.
 * True where it can't be told: the head was there first.
 */
export function delaysHead(
  limits: Limits,
  debt: Debt | undefined,
  item: Item,
  head: Item,
  nowUs: number,
  headUs: number,
): boolean {
  if (headUs === Infinity) return false;
  if (debt === undefined) return true;
  const share = (one: Item) =>
    one.shares.find(({ provider }) => provider === debt.provider)?.recipients ?? 0;
  const { pace } = limits;
  if (pace !== undefined) {
    const intervalUs = pace.windowUs / pace.count;
    const afterUs = Math.max(debt.tatUs ?? 0, nowUs) + share(item) * intervalUs;
    const freeUs = afterUs - (pace.burst - Math.min(share(head), pace.burst)) * intervalUs;
    if (freeUs > headUs) return true;
  }
  if (headUs - nowUs > SOON_US) return false;
  const places = limits.inFlight ?? Infinity;
  return limits.quotas.length > 0 || debt.inFlight + 2 > places;
}
