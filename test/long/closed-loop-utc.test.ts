/** Bursts to a gateway that refuses for good what comes beyond a few. */
import t from 'tap';
import { utcLike } from '../../lab/trial/providers.ts';
import { minuteMsOf } from '../../lab/trial/trial.ts';
import { type Case, fate, fates, SCALE } from './fates.ts';

const BURSTS: Case = {
  provider: 'utc',
  domain: 'utc.fr',
  rule: () => utcLike({ count: 8, minutes: 10 }, minuteMsOf(SCALE)),
  perMinute: 8 / 10,
  inFlight: 5,
  bursts: 5,
  mails: 40,
  everyMinutes: 120,
};

t.setTimeout(900_000);

t.test('utc', async (t) => {
  const { none, fixed, learning } = await fates(t, BURSTS);
  t.ok(none.lost > none.accepted / 2, 'with nothing beside Postfix most is lost');
  t.ok(learning.lost <= fixed.lost);
  // What was under way when it was told, once: a refusal for good can't be taken back.
  t.ok(learning.lost <= 10, `${learning.lost} lost`);
  t.equal(learning.waiting, 0);
  t.same(learning.duplicated, []);
});

t.test('utc, its refusal named in feedback.not_final', async (t) => {
  const { accepted, lost, waiting, duplicated, refused } = await fate(
    { ...BURSTS, softened: 'Policy reason' },
    'learning',
  );
  t.comment(`${lost} of ${accepted} lost, refused ${refused} times`);
  t.equal(lost, 0);
  t.equal(waiting, 0);
  t.same(duplicated, []);
});
