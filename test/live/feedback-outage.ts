/**
 * Providers throttle and block while Redis is away: each host acts on what it hears, and when Redis is
 * back both know all of it, once. A scenario, with Redis frozen or killed.
 */
import t, { type Test } from 'tap';
import { waitFor } from '../../lab/wait.ts';
import { readStanding } from '../../src/limit/standing.ts';
import { startRedis, until } from '../store/redis-servers.ts';
import { startScene } from './scene.ts';

const MAILS = 4;
const SLOW = '421 4.7.650 The mail server [127.0.0.1] has been temporarily rate limited.';
const BLOCKED = '451 4.7.1 Client host [127.0.0.1] blocked using Spamhaus. S3150';
const PROVIDER = { pace: '600/min', burst: 20, in_flight: 50 };

/** The dot is answered late: Redis goes between the mail and its reply. */
const sinks = () => ({ 'slow.example': { latencyMs: 900 }, 'block.example': { latencyMs: 900 } });

export async function feedbackInAnOutage(how: 'frozen' | 'killed'): Promise<void> {
  t.setTimeout(120_000);
  await t.test(`throttles and a block while Redis is ${how}`, (t) => scenario(t, how));
}

async function scenario(t: Test, how: 'frozen' | 'killed'): Promise<void> {
  let redis = await startRedis();
  const config = {
    store: `redis://127.0.0.1:${redis.port}`,
    default: { pace: 'none' },
    providers: {
      slow: { domains: ['slow.example'], ...PROVIDER },
      block: { domains: ['block.example'], ...PROVIDER },
    },
    own_addresses: ['127.0.0.1'],
  };
  const scenes = [
    await startScene({ config, sinks: sinks(), postfix: { main: { myhostname: 'one.lab.test' } } }),
    await startScene({ config, sinks: sinks(), postfix: { main: { myhostname: 'two.lab.test' } } }),
  ] as const;
  t.teardown(async () => {
    for (const scene of scenes) await scene.stop();
    await redis.stop();
  });
  const [one, two] = scenes;
  const send = (scene: typeof one, domain: string, mails: number, serialPrefix: string) =>
    scene.burst({
      mails,
      connections: mails,
      from: 'app@here.example',
      to: (i) => `u${i}@${domain}`,
      serialPrefix,
    });
  const split = async (isSplit: boolean): Promise<void> =>
    until(async () => {
      const states = await Promise.all(scenes.map((scene) => scene.status()));
      return states.every((state) => (state.split !== null) === isSplit);
    });

  // One throttle for each host; the block is heard by the first alone.
  for (const scene of scenes) {
    const sink = scene.sink('slow.example');
    sink.rule = ({ stage }) => (stage === 'end' && sink.refusals.length === 0 ? SLOW : undefined);
  }
  one.sink('block.example').rule = ({ stage }) => (stage === 'end' ? BLOCKED : undefined);
  await Promise.all([
    send(one, 'slow.example', MAILS, 'slow'),
    send(two, 'slow.example', MAILS, 'slow'),
    send(one, 'block.example', 2, 'block'),
  ]);
  if (how === 'frozen') redis.kill('SIGSTOP');
  else await redis.stop();
  await split(true);
  const slowed = async () =>
    (await one.provider('slow')).factor < 1 && (await two.provider('slow')).factor < 1;
  await waitFor(slowed, { what: 'both to slow down' });
  const blocked = async () => (await one.provider('block')).feedback?.phase === 'suspended';
  await waitFor(blocked, { what: 'the suspension' });
  t.equal((await two.provider('block')).feedback, null, 'the other has heard of no block');
  const [before] = await send(one, 'block.example', 1, 'held');
  t.equal(before?.code, 250);
  await waitFor(async () => (await one.inHold()).includes(before?.queueId ?? ''), {
    what: 'mail to who blocks to be held',
  });
  const meanwhile = await Promise.all(scenes.map((scene) => scene.provider('slow')));

  if (how === 'frozen') redis.kill('SIGCONT');
  else redis = await startRedis({ port: redis.port });
  await split(false);
  const agree = async () => {
    const reports = await Promise.all(scenes.map((scene) => scene.provider('block')));
    return reports.every(({ feedback }) => feedback?.phase === 'suspended');
  };
  await waitFor(agree, { what: 'both to know of the block' });
  const client = redis.client();
  const kept = async (name: string) =>
    readStanding(JSON.parse((await client.hget('{postpace}:standings', name)) ?? 'null'));
  const slow = await kept('slow');
  const lowest = Math.min(...meanwhile.map(({ factor }) => factor));
  t.ok(Math.abs((slow?.factor ?? 0) / lowest - 1) < 0.02, 'the stricter one, not halved again');
  t.equal(slow?.stop, undefined);
  t.match(await kept('block'), { stop: { phase: 'suspended', times: 1 } });
  client.disconnect();
  for (const { postpace } of scenes) {
    const history = await postpace.control.history(undefined, 50);
    t.same(history.map(({ provider, kind }) => `${provider} ${kind}`).toSorted(), [
      'block blocked',
      'slow tightened',
      'slow tightened',
    ]);
  }
  await send(two, 'block.example', 1, 'held');
  t.equal((await two.inHold()).length > 0, true, 'nothing leaves for it there either');

  for (const scene of scenes) {
    scene.sink('slow.example').rule = undefined;
    scene.sink('block.example').rule = undefined;
  }
  for (const name of ['slow', 'block']) {
    await one.tell('limits', 'reset', name);
    for (const { postpace } of scenes) {
      await postpace.control.reconcile();
      await postpace.control.releaseHeld({ provider: name }, 'root');
    }
  }
  for (const scene of scenes) {
    await scene.arrived(scene.sent.length, undefined, 30_000);
    const { lost, duplicated } = scene.account();
    t.same({ lost, duplicated }, { lost: [], duplicated: [] });
  }
}
