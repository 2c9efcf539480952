/** Our address is blocked for what others did: stopped, probed, delivered again without a person. */
import t from 'tap';
import { BLOCK } from '../../lab/trial/providers.ts';
import { MINUTE_MS, startOutlook } from '../../lab/trial/outlook.ts';
import { nowMs } from '../../lab/wait.ts';

t.setTimeout(600_000);

t.test('an hour of S3150', async (t) => {
  const trial = await startOutlook(() => undefined, 0.2);
  t.teardown(() => trial.stop());
  await trial.pass(120, 10);
  const blockedMs = nowMs();
  trial.sink.rule = ({ stage, atMs }) =>
    stage === 'mail' && atMs < blockedMs + 60 * MINUTE_MS ? BLOCK : undefined;
  await trial.pass(60, 10);
  t.match(trial.samples.at(-1), { phase: 'suspended' });
  const refused = trial.said(BLOCK).length;
  // As long as Microsoft is known to keep it up: a day. What is held then leaves by itself.
  const opened = async (): Promise<boolean> => {
    while (nowMs() < blockedMs + 3 * 1440 * MINUTE_MS) {
      await trial.pass(30);
      if ((await trial.postfix.postqueue()).length === 0) return true;
    }
    return false;
  };
  t.ok(await opened(), 'all that waited has left');
  const hours = (nowMs() - blockedMs) / MINUTE_MS / 60;
  t.comment(`${refused} refused, all delivered ${hours.toFixed(1)} hours after the block began`);
  t.equal(trial.said(BLOCK).length, refused, 'nobody knocked at a closed door');
  t.ok(refused <= 3, `${refused} refused: no more than were under way`);
  const { lost, duplicated } = trial.account();
  t.equal(lost.length, refused, 'only what met the block was refused for good');
  t.same(duplicated, []);
  const kinds = (await trial.postpace!.control.history('outlook', 20)).map(({ kind }) => kind);
  t.same(kinds.toReversed(), ['blocked', 'probing', 'probing', 'opened']);
});
