/** A standing in the words of the history: `12/min`, `suspended`, `probing, 2 at a time`, `2 at once`. */
import { formatRate } from '../limit/rate.ts';
import type { Standing } from '../limit/standing.ts';
import { factorAt } from './climb.ts';
import type { ControlSettings } from './control-settings.ts';
import { placesAt } from './places.ts';

/** How fast it may be sent to, if at all. */
export function limitOf(standing: Standing, settings: ControlSettings, nowMs: number): string {
  const { stop } = standing;
  if (stop?.phase === 'suspended') return 'suspended';
  if (stop?.phase === 'probing') {
    return `probing, ${2 ** stop.step} at a time${stop.blind ? ', blind' : ''}`;
  }
  const perMin = factorAt(standing, settings, nowMs) * settings.ceilingPerMin;
  return formatRate({ count: perMin, windowUs: 60e6 });
}

/** How many messages at once. */
export function placesOf({ places }: Standing, { scale }: ControlSettings, nowMs: number): string {
  const most = placesAt(places, scale, nowMs);
  return most === Infinity ? 'as many at once as configured' : `${most} at once`;
}
