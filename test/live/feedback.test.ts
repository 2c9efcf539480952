/** What a provider answers moves its limits, and moves them back, beside a real Postfix. */
import t from 'tap';
import { waitFor } from '../../lab/wait.ts';
import { startScene } from './scene.ts';

const scene = await startScene({
  sinks: { 'slow.example': {}, 'block.example': {}, 'well.example': {} },
  config: {
    default: { pace: 'none' },
    providers: {
      slow: { domains: ['slow.example'], pace: '600/min', burst: 10 },
      block: { domains: ['block.example'], pace: '600/min', burst: 10 },
    },
    own_addresses: ['127.0.0.1'],
    // An hour in six seconds.
    feedback: { time_scale: 600 },
    retry: { min: '500ms', max: '1s' },
  },
});
t.teardown(() => scene.stop());
t.setTimeout(120_000);

const send = (domain: string, mails: number, serialPrefix: string) =>
  scene.burst({ mails, from: 'app@here.example', to: (i) => `u${i}@${domain}`, serialPrefix });
const at = (domain: string) => scene.sink(domain).deliveries.length;

await t.test('told to slow down: the limit is lowered, and says why', async (t) => {
  const sink = scene.sink('slow.example');
  sink.rule = ({ stage }) =>
    stage === 'mail' && sink.deliveries.length >= 8
      ? '421 4.7.650 The mail server [127.0.0.1] has been temporarily rate limited due to IP reputation.'
      : undefined;
  const sent = await send('slow.example', 14, 'slow');
  t.same([...new Set(sent.map(({ code }) => code))], [250]);
  await waitFor(async () => (await scene.provider('slow')).feedback !== null, {
    what: 'the limit to be lowered',
  });
  const { factor, feedback, limits } = await scene.provider('slow');
  t.ok(factor < 0.7, `factor ${factor}`);
  t.match(feedback, { phase: 'slowed', reply: /4\.7\.650/ });
  t.not(limits.pace, '600/min');
  const [last] = await scene.postpace.control.history('slow', 1);
  t.match(last, { kind: 'tightened', by: 'feedback', from: '600/min', why: /rate limited/ });
  t.match(await scene.tell('explain', 'u@slow.example'), /Slowed to [\d.]+ % of 600\/min/);
  t.match(await scene.tell('status', 'slow'), /SLOWED to [\d.]+ %[^]*rate\s+limited/);
  t.equal((await scene.provider('block')).factor, 1, 'nobody else is slowed');
});

await t.test('an operator who knows better resets it, and all arrive once', async (t) => {
  scene.sink('slow.example').rule = undefined;
  await scene.tell('limits', 'reset', 'slow', '--reason', 'mended');
  t.same((await scene.provider('slow')).factor, 1);
  await waitFor(() => at('slow.example') === 14, { what: 'all at slow' });
});

await t.test('our address blocked: stopped, and probed', async (t) => {
  const sink = scene.sink('block.example');
  const reply =
    '451 4.7.1 Service unavailable, Client host [127.0.0.1] blocked using Spamhaus. S3150';
  let isBlocked = true;
  sink.rule = ({ stage }) => (stage === 'mail' && isBlocked ? reply : undefined);
  await send('block.example', 8, 'block');
  await waitFor(() => scene.logged('provider blocks us: suspended').length > 0, {
    what: 'the suspension',
  });
  const { feedback, trouble, lastRelease } = await scene.provider('block');
  t.match(feedback, { phase: /suspended|probing/, reply: /S3150/ });
  t.equal(trouble, null, 'no probe is announced but those of the block');
  t.equal(lastRelease, null, 'no date is promised');
  t.match(await scene.tell('status', 'block'), /(PROBING|BLOCKED)[^]*S3150/);
  isBlocked = false;
  await send('well.example', 5, 'well');
  await waitFor(() => at('well.example') === 5, { timeoutMs: 5000, what: 'others to flow' });
  await waitFor(() => scene.logged('probes pass').length > 0, { what: 'a probe to be taken' });
  const kinds = (await scene.postpace.control.history('block', 20)).map(({ kind }) => kind);
  t.same([...new Set(kinds)].toSorted(), ['blocked', 'probing']);
  await scene.tell('limits', 'reset', 'block');
  await waitFor(() => at('block.example') === 8, { what: 'all at block' });
  const { lost, duplicated } = scene.account();
  t.same({ lost, duplicated }, { lost: [], duplicated: [] });
});
