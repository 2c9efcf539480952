/** A burst to a provider that warns who hurries, and blocks who goes on. */
import t from 'tap';
import { outlookLike } from '../../lab/trial/providers.ts';
import { minuteMsOf } from '../../lab/trial/trial.ts';
import { fates, SCALE } from './fates.ts';

t.setTimeout(900_000);

t.test('outlook', async (t) => {
  const { none, fixed, learning } = await fates(t, {
    provider: 'outlook',
    domain: 'outlook.com',
    rule: () => outlookLike({ count: 5, minutes: 6 }, minuteMsOf(SCALE)),
    perMinute: 5 / 6,
    inFlight: 2,
    bursts: 1,
    mails: 150,
    everyMinutes: 0,
  });
  t.ok(none.lost > 100, 'with nothing beside Postfix nearly all is lost');
  t.ok(learning.lost <= fixed.lost);
  t.equal(learning.lost, 0);
  t.equal(learning.waiting, 0);
  t.same(learning.duplicated, []);
});
