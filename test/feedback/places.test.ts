import t from 'tap';
import { adjust } from '../../src/feedback/adjust.ts';
import type { OutcomeEvent } from '../../src/feedback/outcome-event.ts';
import { factorAt } from '../../src/feedback/climb.ts';
import { CONTROL_DEFAULTS } from '../../src/feedback/control-settings.ts';
import { fewer, placesAt } from '../../src/feedback/places.ts';
import { readStanding, shiftedStanding, UNTROUBLED } from '../../src/limit/standing.ts';

const settings = { ...CONTROL_DEFAULTS, ceilingPerMin: 20 };
const HOUR = 3_600_000;
const NOW = 1_000_000_000;
const crowded = (id: string, leftMs: number, inFlight: number): OutcomeEvent => ({
  kind: 'crowded',
  id,
  leftMs,
  inFlight,
});

t.test('half of those that it had, never none', async (t) => {
  const had = [1, 2, 3, 4, 5, 20];
  t.same(
    had.map((inFlight) => fewer(undefined, inFlight, 1, NOW).most),
    [1, 1, 2, 2, 3, 10],
  );
  t.equal(
    fewer({ most: 2, sinceMs: NOW }, 9, 1, NOW).most,
    1,
    'of those in force, if that is less',
  );
  t.equal(fewer(undefined, 0, 1, NOW).most, 1);
});

t.test('one more every six hours, in a trial sooner', async (t) => {
  const places = { most: 2, sinceMs: NOW };
  t.equal(placesAt(undefined, 1, NOW), Infinity);
  t.equal(placesAt(places, 1, NOW + 6 * HOUR - 1), 2);
  t.equal(placesAt(places, 1, NOW + 6 * HOUR), 3);
  t.equal(placesAt(places, 720, NOW + HOUR / 60), 4);
});

t.test('too many connections lower the places once, and no rate', async (t) => {
  const first = adjust(UNTROUBLED, crowded('a', NOW - 10, 5), settings, NOW);
  t.equal(first.done, 'crowded');
  t.same(first.standing.places, { most: 3, sinceMs: NOW });
  t.equal(factorAt(first.standing, settings, NOW), 1);
  const second = adjust(first.standing, crowded('b', NOW - 5, 5), settings, NOW + 1);
  t.equal(second.standing, first.standing, 'it left before');
  const third = adjust(first.standing, crowded('c', NOW + 5, 3), settings, NOW + 10);
  t.equal(third.standing.places?.most, 2);
  t.ok(third.standing.epoch > first.standing.epoch);
});

t.test('kept in the store, and moved with its clock', async (t) => {
  const standing = { ...UNTROUBLED, places: { most: 3, sinceMs: NOW } };
  t.same(readStanding(JSON.parse(JSON.stringify(standing)))?.places, standing.places);
  t.same(readStanding(JSON.parse(JSON.stringify(UNTROUBLED)))?.places, undefined);
  t.equal(shiftedStanding(standing, -5).places?.sinceMs, NOW - 5);
  const broken = { ...standing, epoch: 7, places: { most: 0, sinceMs: NOW } };
  t.equal(readStanding(broken)?.places, undefined, 'what is none counts as untroubled');
});
