/** A school forwards some of our mail and is blocked for it: its affair, nothing of ours tightens. */
import t from 'tap';
import { DOWNSTREAM, forwarder } from '../../lab/trial/providers.ts';
import { startTrial } from '../../lab/trial/trial.ts';

t.setTimeout(300_000);

t.test('one in five is forwarded, and refused there', async (t) => {
  const trial = await startTrial({
    pacing: 'learning',
    provider: 'school',
    domain: 'school.example',
    scale: 720,
    inFlight: 5,
    rule: forwarder((recipient) => /[05]@/.test(recipient)),
    ceilingPerMin: 0.8,
  });
  t.teardown(() => trial.stop());
  await trial.send(100);
  t.ok(await trial.settles(1440));
  t.equal(trial.said(DOWNSTREAM).length, 20);
  t.equal(trial.account().delivered, 80);
  t.same(
    trial.samples.filter(({ factor, phase }) => factor !== 1 || phase !== undefined),
    [],
    'never slowed nor stopped',
  );
  t.same(await trial.postpace!.control.history('school', 10), []);
  t.match(
    trial.postpace!.log.join('\n'),
    /refused for the sake of somebody who forwards: no limit moves/,
  );
});
