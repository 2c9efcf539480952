/**
 * Tempfail mode on a real Postfix: at the named port a recipient over the limit is answered 451 and
 * the others of the message go on; at every other port the same provider's mail is held.
 */
import t from 'tap';
import { account } from '../../lab/ledger.ts';
import { burst, send } from '../../lab/client.ts';
import { freePort } from '../../lab/port.ts';
import { startScene } from './scene.ts';

const door = await freePort();
const scene = await startScene({
  sinks: { 'slow.example': {} },
  config: {
    tempfail: { ports: [door] },
    default: { pace: 'none', in_flight: 'none' },
    providers: {
      slow: { domains: ['slow.example'], pace: '1/s', burst: 1, mode: 'tempfail' },
    },
  },
  postfix: { master: [`127.0.0.1:${door} inet n - n - - smtpd`] },
});
t.setTimeout(120_000);
t.teardown(() => scene.stop());

const REFUSAL =
  /^451 4\.7\.1 pace of slow; next chance at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ, in \d s$/;

await t.test('it says so at the start', (t) => {
  t.equal(scene.postpace.log.filter((line) => line.includes('LOSES MAIL')).length, 1);
  t.end();
});

await t.test('451 for the recipient over its limit, the others go on', async (t) => {
  const sent = await send(
    { port: door },
    { from: 'app@lab.test', to: ['a@slow.example', 'b@slow.example', 'c@other.example'] },
  );
  scene.sent.push(sent);
  t.equal(sent.code, 250);
  t.match(sent.refused, [{ recipient: 'b@slow.example', reply: REFUSAL }]);
  await scene.arrived(2, undefined, 10_000);
  t.same(await scene.inHold(), []);
});

await t.test('a queueing client that comes back when it was told to is let in', async (t) => {
  const again = { from: 'app@lab.test', to: ['d@slow.example'] };
  for (let tries = 0; tries < 4; tries++) {
    const sent = await send({ port: door }, again);
    scene.sent.push(sent);
    if (sent.code === 250) break;
    t.match(sent.reply, REFUSAL);
    await new Promise((resolve) => {
      setTimeout(resolve, Number(/in (\d+) s/.exec(sent.reply)?.[1]) * 1000);
    });
  }
  t.equal(scene.sent.at(-1)?.code, 250);
});

await t.test('a burst: nothing but 250 and 451, and the pace is kept', async (t) => {
  const sent = await burst({
    port: door,
    mails: 30,
    from: 'app@lab.test',
    to: (i) => `u${i}@${i % 3 === 0 ? 'other' : 'slow'}.example`,
  });
  scene.sent.push(...sent);
  t.same(
    sent.map(({ code }) => code).filter((code) => code !== 250 && code !== 451),
    [],
  );
  const through = sent.filter(({ code, to }) => code === 250 && to[0]?.endsWith('@slow.example'));
  t.ok(through.length <= 4, `${through.length} of 20 let in`);
  t.equal(
    sent.filter(({ to, code }) => to[0]?.endsWith('@other.example') && code === 250).length,
    10,
  );
});

await t.test('at a port that is not named the same mail is taken and held', async (t) => {
  const sent = await scene.burst({
    mails: 3,
    from: 'app@lab.test',
    to: (i) => `p${i}@slow.example`,
  });
  t.same([...new Set(sent.map(({ code }) => code))], [250]);
  await scene.postfix.idle();
  await scene.arrived(scene.account().accepted, undefined, 20_000);
  const { lost, duplicated } = account(scene.sent, scene.deliveries);
  t.same({ lost, duplicated }, { lost: [], duplicated: [] });
});

await t.test('a deferral at the provider is left to Postfix’s own retries', async (t) => {
  scene.sink('slow.example').rule = ({ stage }) =>
    stage === 'rcpt' ? '451 4.7.0 slow down' : undefined;
  const told = () =>
    send({ port: door }, { from: 'app@lab.test', to: ['e@slow.example'] }).then(({ code }) => code);
  await scene.postfix.waitFor(async () => (await told()) === 250, { everyMs: 500 });
  await scene.postfix.waitFor(async () =>
    (await scene.postfix.postqueue()).some(({ queue_name }) => queue_name === 'deferred'),
  );
  await scene.postfix.waitFor(async () => (await scene.provider('slow')).trouble !== null);
  t.match(
    (await send({ port: door }, { from: 'app@lab.test', to: ['f@slow.example'] })).reply,
    /^451 4\.7\.1 slow defers mail; next chance at/,
  );
  t.same(await scene.inHold(), []);
});
