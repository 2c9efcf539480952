import type { Standing } from '../limit/standing.ts';
import { factorAt, WALL_MS } from './climb.ts';
import type { ControlSettings } from './control-settings.ts';
import { stopAt } from './probe.ts';

const DAY_MS = 24 * 3_600_000;

/** Whether nothing of a standing holds any more. */
export function isForgotten(standing: Standing, settings: ControlSettings, nowMs: number): boolean {
  const { sinceMs, places, wall, judged } = standing;
  const { scale, newsMs } = settings;
  const isLongAgo = (atMs: number): boolean => (nowMs - atMs) * scale > WALL_MS;
  const stop = stopAt(standing.stop, nowMs);
  // Half open for mail that never comes.
  const isLeft = stop?.phase === 'probing' && stop.out.length === 0 && isLongAgo(sinceMs);
  return (
    (stop === undefined || isLeft) &&
    // What left before it was reset is no news yet.
    nowMs - sinceMs > newsMs &&
    isLongAgo(places?.sinceMs ?? 0) &&
    isLongAgo(wall?.atMs ?? 0) &&
    factorAt(standing, settings, nowMs) === 1 &&
    judged.every(({ atMs }) => atMs < nowMs - DAY_MS / scale)
  );
}
