/**
 * What a factor is now: computed from when it was set, never ticked. It climbs fast to just below the
 * wall, then slowly and only for mail that was delivered, and faster the farther it gets beyond.
 *
 * Without the memory of the wall, halving and climbing spends most of its time far below the rate
 * that the provider bears, and hits it some twenty times a day.
 */
import type { Standing } from '../limit/standing.ts';
import type { ControlSettings } from './control-settings.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** As far as the fast climb goes, in parts of the wall. */
export const KNEE = 0.85;
const FAST_MS = 10 * MINUTE_MS;
/** Time at the limit from the knee to the wall. */
const SLOW_MS = 18 * HOUR_MS;
/** Beyond the wall, or without one, the factor doubles in this time. */
const DOUBLING_MS = 2 * HOUR_MS;
export const WALL_MS = 7 * DAY_MS;

/** 0 < factor <= 1. */
export function factorAt(standing: Standing, settings: ControlSettings, nowMs: number): number {
  const { ceilingPerMin, floorPerMin, scale } = settings;
  const { factor, sinceMs } = standing;
  const elapsedMs = Math.max(0, nowMs - sinceMs) * scale;
  const least = Math.min(1, floorPerMin / ceilingPerMin);
  const forgottenMs = elapsedMs - (WALL_MS - wallAgeMs(standing) * scale);
  const to = standing.wall === undefined ? 0 : standing.wall.perMin / ceilingPerMin;
  const climbed =
    standing.wall === undefined
      ? doubled(factor, elapsedMs)
      : climbedTo(to, factor, elapsedMs, Math.min(standing.worthMs * scale, elapsedMs));
  const remembered = forgottenMs > 0 ? doubled(climbed, forgottenMs) : climbed;
  return Math.min(1, Math.max(least, remembered));
}

/** Whether the limit is back near the wall: what happens now is another episode. */
export function isBack({ sinceMs }: Standing, { scale }: ControlSettings, nowMs: number): boolean {
  return (nowMs - sinceMs) * scale > FAST_MS;
}

/** How old the wall was at the last tightening. */
function wallAgeMs({ wall, sinceMs }: Standing): number {
  return wall === undefined ? 0 : Math.max(0, sinceMs - wall.atMs);
}

function climbedTo(wall: number, factor: number, elapsedMs: number, worthMs: number): number {
  const knee = Math.max(factor, KNEE * wall);
  if (elapsedMs < FAST_MS) return factor + (knee - factor) * (elapsedMs / FAST_MS);
  if (worthMs < SLOW_MS) return knee + (Math.max(knee, wall) - knee) * (worthMs / SLOW_MS);
  return doubled(Math.max(knee, wall), worthMs - SLOW_MS);
}

function doubled(factor: number, ms: number): number {
  return factor * 2 ** (ms / DOUBLING_MS);
}
