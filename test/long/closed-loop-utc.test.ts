/** Bursts to a gateway that refuses for good what comes beyond a few. */
import t from 'tap';
import { utcLike } from '../../lab/trial/providers.ts';
import { minuteMsOf } from '../../lab/trial/trial.ts';
import { fates, SCALE } from './fates.ts';

t.setTimeout(900_000);

t.test('utc', async (t) => {
  const { none, fixed, learning } = await fates(t, {
    provider: 'utc',
    domain: 'utc.fr',
    rule: () => utcLike({ count: 8, minutes: 10 }, minuteMsOf(SCALE)),
    perMinute: 8 / 10,
    inFlight: 5,
    bursts: 5,
    mails: 40,
    everyMinutes: 120,
  });
  t.ok(none.lost > none.accepted / 2, 'with nothing beside Postfix most is lost');
  t.ok(learning.lost <= fixed.lost);
  // What was under way when it was told, once: a refusal for good can't be taken back.
  t.ok(learning.lost <= 10, `${learning.lost} lost`);
  t.equal(learning.waiting, 0);
  t.same(learning.duplicated, []);
});
