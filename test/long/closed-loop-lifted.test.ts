/** The rule that a provider slowed us down for is lifted: back at the ceiling, by itself. */
import t from 'tap';
import { BLOCK, outlookLike } from '../../lab/trial/providers.ts';
import { MINUTE_MS, startOutlook } from '../../lab/trial/outlook.ts';
import { nowMs } from '../../lab/wait.ts';

const HIDDEN = { count: 5, minutes: 24 };
const CEILING = (3 * HIDDEN.count) / HIDDEN.minutes;

t.setTimeout(600_000);

t.test('the rule is lifted after half a day', async (t) => {
  const trial = await startOutlook(outlookLike(HIDDEN, MINUTE_MS), CEILING);
  t.teardown(() => trial.stop());
  await trial.pass(720, 30);
  t.ok((trial.samples.at(-1)?.factor ?? 1) < 0.5, 'slowed');
  trial.sink.rule = undefined;
  const liftedMs = nowMs();
  // 18 hours to the wall, and two hours for each doubling beyond.
  while ((trial.samples.at(-1)?.factor ?? 0) < 1 && nowMs() < liftedMs + 3 * 1440 * MINUTE_MS) {
    await trial.pass(30, 30);
  }
  const backMs = nowMs();
  t.comment(`at the ceiling ${((backMs - liftedMs) / MINUTE_MS / 60).toFixed(1)} hours later`);
  t.equal(trial.samples.at(-1)?.factor, 1, 'at the ceiling');
  await trial.pass(120, 30);
  const minutes = (nowMs() - backMs) / MINUTE_MS;
  const taken = trial.sink.deliveries.filter(({ mailAtMs }) => mailAtMs >= backMs).length;
  t.ok(taken / minutes >= 0.85 * CEILING, `${taken} in ${minutes} minutes`);
  t.same(trial.said(BLOCK), []);
});
