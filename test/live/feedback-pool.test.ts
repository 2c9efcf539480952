/**
 * Two Postfix with a daemon each share one Redis, and each hears one throttle of its own mail within a
 * second: the provider is slowed down once for both.
 */
import t from 'tap';
import { waitFor } from '../../lab/wait.ts';
import { readStanding } from '../../src/limit/standing.ts';
import { startRedis } from '../store/redis-servers.ts';
import { startScene } from './scene.ts';

const ROUNDS = 5;
const MAILS = 4;
const names = Array.from({ length: ROUNDS }, (_, i) => `slow${i}`);
const redis = await startRedis();
const config = {
  store: `redis://127.0.0.1:${redis.port}`,
  default: { pace: 'none' },
  providers: Object.fromEntries(
    names.map((name) => [
      name,
      { domains: [`${name}.example`], pace: '600/min', burst: 20, in_flight: 50 },
    ]),
  ),
};
/** The dot is answered late: everything has left before the first reply. */
const sinks = () =>
  Object.fromEntries(names.map((name) => [`${name}.example`, { latencyMs: 700 }]));
const scenes = [
  await startScene({ config, sinks: sinks(), postfix: { main: { myhostname: 'one.lab.test' } } }),
  await startScene({ config, sinks: sinks(), postfix: { main: { myhostname: 'two.lab.test' } } }),
] as const;
t.setTimeout(120_000);
t.teardown(async () => {
  client.disconnect();
  for (const scene of scenes) await scene.stop();
  await redis.stop();
});

const client = redis.client();
const standingOf = (text: string | null) => readStanding(JSON.parse(text ?? 'null'));

for (const name of names) {
  await t.test(`${name}: two daemons, two throttles, one halving`, async (t) => {
    const domain = `${name}.example`;
    for (const scene of scenes) {
      const sink = scene.sink(domain);
      sink.rule = ({ stage }) =>
        stage === 'end' && sink.refusals.length === 0
          ? '421 4.7.650 The mail server [127.0.0.1] has been temporarily rate limited due to IP reputation.'
          : undefined;
    }
    await Promise.all(
      scenes.map((scene) =>
        scene.burst({
          mails: MAILS,
          connections: MAILS,
          from: 'app@here.example',
          to: (i) => `u${i}@${domain}`,
          serialPrefix: name,
        }),
      ),
    );
    const refusals = () => scenes.flatMap((scene) => scene.sink(domain).refusals);
    await waitFor(() => refusals().length === 2, { what: 'a throttle for each' });
    const [first, second] = refusals().map(({ atMs }) => atMs);
    t.ok(Math.abs((first ?? 0) - (second ?? 0)) < 1000, 'within a second');
    const heard = async () => {
      const lists = await Promise.all(
        scenes.map(({ postpace }) => postpace.control.feedback(name, 50)),
      );
      return lists.every(({ events }) => events.some(({ group }) => group === 'slow'));
    };
    await waitFor(heard, { what: 'both to have heard' });
    const kept = standingOf(await client.hget('{postpace}:standings', name));
    // Half of what had really left, and not a quarter.
    const sentPerMin = kept?.wall?.perMin ?? 0;
    t.ok(sentPerMin > MAILS && sentPerMin <= 2 * MAILS, `${sentPerMin} of both had left`);
    t.equal(kept?.factor, sentPerMin / 2 / 600);
    t.equal(kept?.episode.length, 1, 'one of the two counts');
    const [one, two] = await Promise.all(scenes.map((scene) => scene.provider(name)));
    t.same(one?.feedback, two?.feedback, 'both tell the same cause');
    t.match(one?.feedback, { phase: 'slowed', wall: `${sentPerMin}/min`, reply: /4\.7\.650/ });
    // It climbs while they are asked.
    t.ok(Math.abs((one?.factor ?? 0) / (two?.factor ?? 1) - 1) < 0.02, 'and the same factor');
    for (const { postpace } of scenes) {
      const history = await postpace.control.history(name, 50);
      t.same(
        history.map(({ kind, from, by }) => ({ kind, from, by })),
        [{ kind: 'tightened', from: '600/min', by: 'feedback' }],
      );
    }
  });
}

await t.test('reset on one host holds on both, and all arrive once', async (t) => {
  for (const name of names) await scenes[0].tell('limits', 'reset', name, '--reason', 'tried');
  await waitFor(
    async () => {
      const reports = await Promise.all(names.map((name) => scenes[1].provider(name)));
      return reports.every(({ factor }) => factor === 1);
    },
    { what: 'the reset to be known to the other' },
  );
  // What was throttled waits out its own backoff.
  for (const { postpace } of scenes) {
    for (const provider of names) await postpace.control.releaseHeld({ provider }, 'root');
  }
  for (const scene of scenes) {
    await scene.arrived(ROUNDS * MAILS, undefined, 20_000);
    const { lost, duplicated } = scene.account();
    t.same({ lost, duplicated }, { lost: [], duplicated: [] });
  }
});
