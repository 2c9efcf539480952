/** Bursts to a gateway that refuses as if for good what comes beyond a few. */
import t from 'tap';
import { utcLike } from '../../lab/trial/providers.ts';
import { minuteMsOf } from '../../lab/trial/trial.ts';
import { type Case, fate, fates, SCALE } from './fates.ts';

const IN_FLIGHT = 5;
const BURSTS: Case = {
  provider: 'utc',
  domain: 'utc.fr',
  rule: () => utcLike({ count: 8, minutes: 10 }, minuteMsOf(SCALE)),
  perMinute: 8 / 10,
  inFlight: IN_FLIGHT,
  bursts: 5,
  mails: 40,
  everyMinutes: 120,
};

t.setTimeout(900_000);

t.test('utc, its refusal deferred by the reply filter', async (t) => {
  const { none, fixed, learning } = await fates(t, { ...BURSTS, softened: 'Policy reason' });
  t.ok(none.lost > none.accepted / 2, 'with nothing beside Postfix most is lost');
  t.ok(learning.refused <= fixed.refused);
  t.equal(learning.lost, 0);
  t.equal(learning.waiting, 0);
  t.same(learning.duplicated, []);
});

t.test('utc, without a reply filter', async (t) => {
  const { accepted, lost, waiting, duplicated } = await fate(BURSTS, 'learning');
  t.comment(`${lost} of ${accepted} lost`);
  // A refusal for good can't be taken back: two are no accident, three more stop it, what is under
  // way each time is lost with them, and so is a probe that comes too soon.
  const probes = 3;
  const most = 2 + 3 + 2 * (IN_FLIGHT - 1) + probes;
  t.ok(lost <= most, `${lost} lost`);
  t.equal(waiting, 0);
  t.same(duplicated, []);
});
