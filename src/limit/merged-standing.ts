/**
 * Two standings of one provider that were changed by hosts which could not ask one another: what holds
 * from then on is as strict as either. Pure.
 */
import { MOST_JUDGED, REMEMBERED, type Places, type Standing, type Stop } from './standing.ts';

/** Tightened within this time of one another they began at the same limit; later one has climbed. */
const TOGETHER_MS = 10 * 60_000;

/** With the epoch of either: whoever sets it gives it its own. */
export function mergedStanding(one: Standing, other: Standing): Standing {
  const [later, earlier] = one.sinceMs >= other.sinceMs ? [one, other] : [other, one];
  // A limit that was set back has no wall: an operator knew better than what was before.
  const isAnew = later.sinceMs > earlier.sinceMs + TOGETHER_MS || later.wall === undefined;
  const tighter = isAnew || later.factor <= earlier.factor ? later : earlier;
  const known = new Set(later.judged.map(({ id }) => id));
  const judged = [...later.judged, ...earlier.judged.filter(({ id }) => !known.has(id))];
  const takenMs = Math.max(one.takenMs ?? -Infinity, other.takenMs ?? -Infinity);
  return {
    ...tighter,
    ...(Number.isFinite(takenMs) && { takenMs }),
    sinceMs: later.sinceMs,
    episode: [...new Set([...earlier.episode, ...later.episode])].slice(-REMEMBERED),
    judged: judged.toSorted((a, b) => a.atMs - b.atMs).slice(-MOST_JUDGED),
    stop: stopOf(later, earlier),
    places: fewer(later.places, earlier.places),
  };
}

function stopOf(later: Standing, earlier: Standing): Stop | undefined {
  const { stop } = later;
  const { stop: before } = earlier;
  const isOneBlock = later.sinceMs === earlier.sinceMs && before?.times === stop?.times;
  // Nothing was decided since they parted but whose probe leaves: who is further knows more.
  if (isOneBlock && stop?.phase === 'probing') return stop;
  if (isOneBlock && before?.phase === 'probing') return before;
  if (before?.phase !== 'suspended' || before.untilMs <= later.sinceMs) return stop;
  // It ran still when the other was decided, by somebody who did not know of it.
  return stop?.phase === 'suspended' && stop.untilMs >= before.untilMs ? stop : before;
}

function fewer(one: Places | undefined, other: Places | undefined): Places | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one.most <= other.most ? one : other;
}
