/**
 * One application runs away, another's mail leaves within its share; lanes by header, login and
 * client, and what a reload changes for the sessions that come after it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { overruns } from '../../lab/ledger.ts';
import { SmtpClient } from '../milter/smtp-client.ts';
import { startScene } from '../live/scene.ts';

const free = { quotas: [], in_flight: 1000 };
const shared = { domains: ['shared.example'], ...free, pace: '20/s', burst: 3 };
const config = (bulk: object) => ({
  default: { pace: 'none' },
  providers: {
    shared: { ...shared, per_sender: { pace: '10/s', burst: 2 } },
    stopped: { domains: ['stopped.example'], ...free, pace: 'none' },
  },
  lanes: {
    transactional: { rules: [{ login: 'shop@*', client: '192.0.2.0/24' }] },
    bulk,
  },
});
const scene = await startScene({
  sinks: { 'shared.example': {}, 'stopped.example': {} },
  config: config({}),
  postfix: {
    main: {
      smtpd_authorized_xclient_hosts: '127.0.0.0/8',
      mynetworks: '127.0.0.0/8 192.0.2.0/24 198.51.100.0/24',
    },
  },
});
t.setTimeout(200_000);
t.teardown(() => scene.stop());

const RUNAWAY = 'runaway@app.example';
const OTHER = 'other@app.example';

await t.test('300 mails of one sender hold up no other', async (t) => {
  const flooded = await scene.burst({
    mails: 300,
    from: RUNAWAY,
    to: (i) => `u${i}@shared.example`,
  });
  const calm = [];
  for (let i = 0; i < 15; i++) {
    calm.push(
      ...(await scene.burst({
        mails: 1,
        from: OTHER,
        to: () => `v${i}@shared.example`,
        serialPrefix: `calm${i}-`,
      })),
    );
    await sleep(200);
  }
  t.same([...new Set([...flooded, ...calm].map(({ code }) => code))], [250]);
  const { deliveries } = scene.sink('shared.example');
  const ownAt = calm.map(({ startedAtMs, to }) => {
    const arrived = deliveries.find(({ recipient }) => recipient === to[0]);
    return Math.round((arrived?.atMs ?? Infinity) - startedAtMs);
  });
  t.comment(`the other's mail arrived after ${ownAt.join(', ')} ms`);
  t.ok(Math.max(...ownAt) < 3000, 'all of it arrived soon');
  const { limitedSenders, held } = await scene.provider('shared');
  t.equal(limitedSenders.senders, 1);
  t.ok(limitedSenders.held > 100 && limitedSenders.held <= held, `${limitedSenders.held} wait`);
  t.match(await scene.tell('status', 'shared'), /SENDER LIMIT reached by 1 sender/);
  const waiting = (await scene.postpace.control.held({ sender: RUNAWAY })).at(-1);
  t.ok(waiting?.senderLimit);
  t.match(await scene.tell('held', 'show', waiting?.queueId ?? ''), /waits for its sender limit/);
  t.match(await scene.tell('explain', waiting?.queueId ?? ''), /sender limit/);

  await scene.tell('held', 'release', '--provider', 'shared');
  await scene.arrived(315, 'shared.example', 20_000);
  const released = new Set(
    scene.logged('released').flatMap(({ queueId }) => (queueId === undefined ? [] : [queueId])),
  );
  t.ok(released.size > 0);
  const ids = new Set(flooded.map(({ queueId }) => queueId));
  const admitted = (await scene.admissions('shared')).map(({ id, atMs }) => ({
    isFlood: ids.has(id.split('/')[1]),
    atMs,
  }));
  const ofFlood = admitted.filter(({ isFlood }) => isFlood).map(({ atMs }) => atMs);
  t.ok(ofFlood.length > 30, `${ofFlood.length} left at their pace`);
  t.same(overruns(ofFlood, [{ count: 10, windowMs: 1000, burst: 2 }]), [], 'the sender’s');
  const all = admitted.map(({ atMs }) => atMs);
  t.same(overruns(all, [{ count: 20, windowMs: 1000, burst: 3 }]), [], 'the provider’s');
  const { lost, duplicated } = scene.account();
  t.same({ lost, duplicated }, { lost: [], duplicated: [] });
});

const send = async (client: SmtpClient, header = 'X-Any: 1'): Promise<string> => {
  await client.ask('MAIL FROM:<any@app.example>');
  await client.ask('RCPT TO:<x@stopped.example>');
  await client.ask('DATA');
  const reply = await client.ask(`Subject: test\r\n${header}\r\n\r\nhello\r\n.`);
  const queueId = /queued as (\w+)/.exec(reply)?.[1];
  if (queueId === undefined) throw new Error(reply);
  return queueId;
};

await t.test('lanes by login and client, and by header from a reload on', async (t) => {
  await scene.tell('suspend', 'stopped');
  const laneOf = async (queueId: string): Promise<string | undefined> =>
    (await scene.postpace.control.held({ ids: [queueId] }))[0]?.lane;
  const as = async (attributes: string): Promise<SmtpClient> => {
    const client = await SmtpClient.greet(scene.postfix.port);
    await client.ask(`XCLIENT ${attributes}`);
    await client.ask('EHLO client.example');
    return client;
  };
  const cases = [
    ['ADDR=192.0.2.7 LOGIN=shop@app.example', 'transactional'],
    ['ADDR=192.0.2.7 LOGIN=Shop@other.example', 'transactional'],
    ['ADDR=192.0.2.7', 'default'],
    ['ADDR=198.51.100.7 LOGIN=shop@app.example', 'default'],
  ] as const;
  for (const [attributes, lane] of cases) {
    const client = await as(attributes);
    t.equal(await laneOf(await send(client)), lane, attributes);
  }

  const before = await SmtpClient.greet(scene.postfix.port);
  await send(before);
  await scene.postpace.configure(config({ rules: [{ header: { Precedence: 'bulk' } }] }));
  await scene.postpace.control.reload();
  const folded = 'Precedence:\r\n =?utf-8?q?Bulk?=';
  t.equal(await laneOf(await send(before, folded)), 'default', 'a session from before the reload');
  const after = await SmtpClient.greet(scene.postfix.port);
  const bulk = await send(after, folded);
  t.equal(await laneOf(bulk), 'bulk', 'a new one');
  t.equal(await laneOf(await send(after)), 'default', 'each message by its own headers');
  const shop = await as('ADDR=192.0.2.7 LOGIN=shop@app.example');
  t.equal(await laneOf(await send(shop, folded)), 'transactional', 'the first rule wins');

  await scene.postpace.configure(config({}));
  await scene.postpace.control.reload();
  t.equal(
    await laneOf(await send(after, folded)),
    'default',
    'a session that brings headers still',
  );
  t.equal(await laneOf(bulk), 'bulk', 'what is held keeps its lane');
});
