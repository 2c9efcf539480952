/**
 * The closed loop on real SMTP: a provider that nobody tells postpace the rate of, days in minutes.
 * Times are those of the trial, so that a busy machine makes it slower and no other.
 */
import t from 'tap';
import { measured } from '../../lab/trial/measures.ts';
import { BLOCK, outlookLike, WARNING } from '../../lab/trial/providers.ts';
import { MINUTE_MS, startOutlook } from '../../lab/trial/outlook.ts';
import { nowMs } from '../../lab/wait.ts';

const DAYS = 5;
/** 600 a day, which is ten a second here. */
const HIDDEN = { count: 5, minutes: 12 };
const PER_MINUTE = HIDDEN.count / HIDDEN.minutes;

t.setTimeout(600_000);

t.test('a ceiling ten times too high, for days', async (t) => {
  const trial = await startOutlook(outlookLike(HIDDEN, MINUTE_MS), 10 * PER_MINUTE);
  t.teardown(() => trial.stop());
  const fromMs = nowMs();
  await trial.pass(DAYS * 1440, 30);
  const untilMs = nowMs();
  const takenMs = trial.sink.deliveries.map(({ mailAtMs }) => mailAtMs);
  const seen = { takenMs, perMinute: PER_MINUTE, minuteMs: MINUTE_MS, fromMs, untilMs };
  const { mean, low, days } = measured(seen);
  const aDay = trial.said(WARNING).length / days;
  const early = trial.said(WARNING).filter((atMs) => atMs < fromMs + 120 * MINUTE_MS).length;
  t.comment(
    `${days.toFixed(1)} days: mean ${mean.toFixed(3)}, ${(100 * low).toFixed(1)} % of the time below ` +
      `0.8, ${aDay.toFixed(1)} warnings a day, ${early} of them in the first two hours`,
  );
  t.same(trial.said(BLOCK), [], 'never blocked');
  t.ok(mean >= 0.85, `mean rate ${mean}`);
  t.ok(low <= 0.05, `${low} of the time below 0.8`);
  t.ok(aDay <= 4, `${aDay} warnings a day`);
  t.ok(await trial.settles(720), 'what still waits is let go');
  const { lost, duplicated } = trial.account();
  t.same(lost, []);
  t.same(duplicated, []);
});
