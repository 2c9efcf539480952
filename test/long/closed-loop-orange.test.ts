/** A provider that takes two connections at once, whatever the rate: no rate is lowered for that. */
import t from 'tap';
import { CONNECTIONS, orangeLike } from '../../lab/trial/providers.ts';
import { startTrial } from '../../lab/trial/trial.ts';

t.setTimeout(300_000);

t.test('five in flight, two connections', async (t) => {
  const trial = await startTrial({
    pacing: 'learning',
    provider: 'orange',
    domain: 'orange.fr',
    scale: 720,
    inFlight: 5,
    rule: orangeLike(2),
    latencyMs: 250,
    ceilingPerMin: 1.5,
  });
  t.teardown(() => trial.stop());
  await trial.send(100);
  t.ok(await trial.settles(1440));
  const refused = trial.said(CONNECTIONS).length;
  const { limits, feedback } = (await trial.postpace!.control.status('orange')).providers[0]!;
  t.comment(`refused ${refused} times, ${limits.inFlight} at once in the end`);
  t.ok(refused <= 12, `refused ${refused} times`);
  const [last] = await trial.postpace!.control.history('orange', 1);
  t.match(last, { kind: 'crowded', by: 'feedback', to: /^\d at once$/ });
  t.match(feedback, { phase: 'crowded', reply: /Too many connections/ });
  const { stdout } = await trial.postpace!.cli('explain', 'a@orange.fr');
  t.match(stdout.replaceAll(/\s+/g, ' '), /Fewer messages at once .* It said: .*OFR005_104/);
  t.equal(trial.account().delivered, 100);
  t.same(trial.account().duplicated, []);
  t.same(
    trial.samples.filter(({ factor }) => factor !== 1),
    [],
    'never slowed',
  );
});
