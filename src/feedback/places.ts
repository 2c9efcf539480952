/**
 * How many messages a provider may have without an outcome, after it said that we have too many
 * connections: half of those that it had, and one more every six hours, so that who lifted his cap
 * is used again, and who did not says so four times a day. Computed, never ticked.
 */
import type { Places } from '../limit/standing.ts';

const HOUR_MS = 3_600_000;
const ONE_MORE_MS = 6 * HOUR_MS;

/** Infinity: as configured. */
export function placesAt(places: Places | undefined, scale: number, nowMs: number): number {
  if (places === undefined) return Infinity;
  const elapsedMs = Math.max(0, nowMs - places.sinceMs) * scale;
  return places.most + Math.floor(elapsedMs / ONE_MORE_MS);
}

/** `inFlight`: how many it had when it refused one, that one included. Never none. */
export function fewer(
  places: Places | undefined,
  inFlight: number,
  scale: number,
  nowMs: number,
): Places {
  const had = Math.max(1, Math.min(inFlight, placesAt(places, scale, nowMs)));
  return { most: Math.ceil(had / 2), sinceMs: nowMs };
}
