/**
 * Mail that stays is never held, whatever way it stays: local(8), a virtual mailbox, a virtual alias,
 * LMTP, a pipe, an inside server. What leaves is paced, from sendmail(1) too. A provider that is only
 * observed gets everything at once, and the log says what would have been held.
 */
import { createServer, type Socket } from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { portOf } from '../../lab/port.ts';
import { startSink } from '../../lab/sink.ts';
import { waitFor } from '../../lab/wait.ts';
import { startScene } from './scene.ts';

const EACH = 3;
const OBSERVED = 8;

/** Says yes to everything: as much LMTP as one recipient a message needs. */
function lmtp(socket: Socket): void {
  socket.setEncoding('latin1');
  let rest = '';
  let message = false;
  socket.write('220 lmtp.test LMTP\r\n');
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    const lines = (rest + String(chunk)).split('\r\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (message && line !== '.') continue;
      message = line === 'DATA';
      socket.write(message ? '354 go on\r\n' : '250 2.0.0 fine\r\n');
    }
  });
}

const mailboxes = createServer(lmtp).listen(0, '127.0.0.1');
await once(mailboxes, 'listening');
const inside = await startSink({ name: 'inside.test' });

const scene = await startScene({
  sinks: { 'watched.example': {} },
  config: {
    reconcile: '2s',
    // Whatever leaves waits for an hour, but for the first one.
    default: { pace: '1/h', burst: 1 },
    providers: {
      watched: { domains: ['watched.example'], pace: '1/h', burst: 1, mode: 'observe' },
    },
  },
  postfix: {
    routes: {
      'lmtp.test': `lmtp:inet:127.0.0.1:${portOf(mailboxes)}`,
      'pipe.test': 'filer:',
      'relay.test': `relay:[127.0.0.1]:${inside.port}`,
    },
    master: ['filer unix - n n - - pipe user=nobody argv=/usr/bin/wc -c'],
    main: {
      mydestination: 'host.test',
      local_recipient_maps: '',
      virtual_alias_domains: 'alias.test',
      virtual_alias_maps: 'inline:{list@alias.test=one@mailbox.test}',
      relay_domains: 'relay.test',
      virtual_mailbox_domains: 'mailbox.test, lmtp.test, pipe.test',
    },
  },
});
t.setTimeout(120_000);
t.teardown(async () => {
  await scene.stop();
  await inside.close();
  mailboxes.close();
});

const WAYS = {
  'local(8)': 'nobody@host.test',
  'a virtual mailbox': 'one@mailbox.test',
  'a virtual alias': 'list@alias.test',
  LMTP: 'one@lmtp.test',
  'a pipe': 'one@pipe.test',
  'an inside server': 'one@relay.test',
};

await t.test('what stays is never held', async (t) => {
  const ways = Object.values(WAYS);
  const sent = await scene.burst({
    mails: ways.length * EACH,
    from: 'someone@far.example',
    to: (i) => ways[i % ways.length] ?? '',
  });
  t.same([...new Set(sent.map(({ code }) => code))], [250]);
  await scene.postfix.idle({ timeoutMs: 10_000 });
  const log = await scene.postfix.log();
  for (const [way, address] of Object.entries(WAYS)) {
    // An alias is told by its target, with the name it came in by.
    const name = way === 'a virtual alias' ? `, orig_to=<${address}>` : ` to=<${address}>, relay`;
    const delivered = log.split('\n').filter((line) => line.includes(name));
    t.equal(delivered.filter((line) => line.includes('status=sent')).length, EACH, way);
  }
  t.same(await scene.inHold(), []);
  t.same(scene.logged('held'), []);
});

await t.test('one message that stays and leaves is held for what leaves', async (t) => {
  const to = ['one@mailbox.test', 'first@mixed.example'];
  const sent = await scene.burst({ mails: 2, connections: 1, from: 'app@lab.test', to: () => to });
  t.same(await scene.inHold(), [sent[1]?.queueId]);
  await scene.tell('held', 'release', sent[1]?.queueId ?? '');
  await waitFor(async () => (await scene.inHold()).length === 0);
});

await t.test('mail from sendmail(1) is paced', async (t) => {
  for (const i of [1, 2, 3]) {
    const { code, stderr } = await scene.postfix.command(
      ['sendmail', '-f', 'php@lab.test', 'someone@sendmail.example'],
      { input: `Subject: number ${i}\n\nhello\n` },
    );
    t.equal(code, 0, stderr);
  }
  await waitFor(async () => (await scene.inHold()).length === 2, { what: 'two held' });
  const { sent, held } = await scene.provider('sendmail.example');
  t.same({ sent: sent.hour, held }, { sent: 1, held: 2 });
});

await t.test('observed: all leave at once, and the log says what would be', async (t) => {
  const sent = await scene.burst({
    mails: OBSERVED,
    from: 'app@lab.test',
    to: (i) => `u${i}@watched.example`,
  });
  await scene.arrived(OBSERVED, 'watched.example', 5000);
  const would = scene.logged('would be held (observe)');
  t.equal(would.length, OBSERVED - 1);
  const ids = new Set(sent.map(({ queueId }) => queueId));
  t.ok(would.every(({ queueId }) => ids.has(queueId)));
});

await t.test('observed: what the provider defers is left to Postfix', async (t) => {
  const sink = scene.sink('watched.example');
  sink.rule = ({ stage }) => (stage === 'mail' ? '451 4.7.1 later' : undefined);
  const [sent] = await scene.burst({
    mails: 1,
    from: 'app@lab.test',
    to: () => 'late@watched.example',
  });
  const place = async () =>
    (await scene.postfix.postqueue()).find(({ queue_id }) => queue_id === sent?.queueId);
  await waitFor(async () => (await place())?.queue_name === 'deferred', { what: 'deferred' });
  await sleep(1500);
  t.equal((await place())?.queue_name, 'deferred', 'not taken back to hold');
  sink.rule = undefined;
  await scene.arrived(OBSERVED + 1, 'watched.example', 30_000);
});
