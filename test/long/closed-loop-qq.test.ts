/** A provider with limits of a minute, an hour and a day, which it says as refusals for good. */
import t from 'tap';
import { qqLike } from '../../lab/trial/providers.ts';
import { minuteMsOf } from '../../lab/trial/trial.ts';
import { fates, SCALE } from './fates.ts';

t.setTimeout(900_000);

t.test('qq', async (t) => {
  const { none, fixed, learning } = await fates(t, {
    provider: 'qq',
    domain: 'qq.com',
    rule: () => qqLike({ minute: 3, hour: 30, day: 300 }, minuteMsOf(SCALE)),
    perMinute: 30 / 60,
    inFlight: 1,
    bursts: 1,
    mails: 150,
    everyMinutes: 0,
    softened: 'Ip frequency limited',
  });
  t.ok(none.lost > 100, 'with nothing beside Postfix nearly all is lost');
  t.ok(learning.refused <= fixed.refused);
  t.equal(learning.lost, 0);
  t.equal(learning.waiting, 0);
  t.same(learning.duplicated, []);
});
