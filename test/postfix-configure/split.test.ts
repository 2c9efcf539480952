/** The split set-up on a running Postfix, there and back. The milter is absent: it holds everything. */
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { send } from '../../lab/client.ts';
import { freePort } from '../../lab/port.ts';
import { startPostfix, type PrivatePostfix, type QueueEntry } from '../../lab/postfix.ts';
import { startSink } from '../../lab/sink.ts';
import { configurePostfix } from '../../src/postfix/configure-run.ts';
import type { OurHolds } from '../../src/postfix/release-held.ts';
import { unconfigurePostfix } from '../../src/postfix/unconfigure-run.ts';

const COUNT = 300;
const addresses = Array.from({ length: COUNT }, (_, n) => `user${n}@big.test`);

async function state(postfix: PrivatePostfix): Promise<string> {
  const settings = await postfix.command(['postconf', '-n']);
  return settings.stdout + (await postfix.command(['postconf', '-M'])).stdout;
}

/** postconf waits two seconds before it reads a main.cf that was just written. */
async function age({ configDirectory }: PrivatePostfix): Promise<void> {
  await utimes(join(configDirectory, 'main.cf'), 1, 1);
}

const noRecords = async (): Promise<OurHolds> => new Map();

/** First recipients, in order. */
function firsts(queue: readonly QueueEntry[]): readonly string[] {
  return queue.map(({ recipients }) => recipients[0]?.address ?? '').toSorted(inOrder);
}

function inOrder(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

async function held(postfix: PrivatePostfix, count: number): Promise<readonly QueueEntry[]> {
  return postfix.waitFor(
    async () => {
      const queue = await postfix.postqueue();
      const settled = queue.length === count && queue.every(({ queue_name: q }) => q === 'hold');
      return settled ? queue : undefined;
    },
    { what: `${count} held and nothing else`, everyMs: 200, timeoutMs: 60_000 },
  );
}

t.setTimeout(180_000);

t.test('one message to 300, and one to an alias of 300: 300 messages, once each', async (t) => {
  const sink = await startSink();
  t.teardown(() => sink.close());
  const postfix = await startPostfix({
    routes: { 'big.test': sink.port },
    longQueueIds: false,
    main: { virtual_alias_domains: 'list.test' },
  });
  t.teardown(() => postfix.stop());
  const aliases = join(postfix.configDirectory, 'aliases');
  // Some of them twice: the first pass removes duplicates.
  const expansion = [...addresses, ...addresses.slice(0, 20)].join(', ');
  await writeFile(aliases, `all@list.test ${expansion}\n`);
  await postfix.set({ virtual_alias_maps: `texthash:${aliases}` });
  await age(postfix);
  const before = await state(postfix);

  const listen = `unix:${postfix.queueDirectory}/postpace/milter.sock`;
  const { configDirectory } = postfix;
  const there = await configurePostfix({
    configDirectory,
    listen,
    split: true,
    splitPort: await freePort(),
    apply: true,
    nowMs: 0,
  });
  t.same(there.conflicts, []);
  await age(postfix);
  await postfix.reload();

  const one = await send(postfix, { from: 'app@lab.test', to: addresses });
  t.equal(one.code, 250);
  const first = await held(postfix, COUNT);
  t.ok(first.every(({ recipients }) => recipients.length === 1));
  t.same(firsts(first), addresses.toSorted(inOrder));

  const list = await send(postfix, { from: 'app@lab.test', to: ['all@list.test'] });
  t.equal(list.code, 250);
  const second = await held(postfix, 2 * COUNT);
  t.ok(second.every(({ recipients }) => recipients.length === 1));
  t.same(firsts(second), [...addresses, ...addresses].toSorted(inOrder));

  // Mail from sendmail(1) takes the second hop too, and its DSN parameters survive.
  const mail = ['sendmail', '-f', 'cron@lab.test', '-V', 'envid77', '-N', 'delay,failure'];
  await postfix.command([...mail, 'one@big.test', 'two@big.test'], { input: 'Subject: x\n\nx\n' });
  const third = await held(postfix, 2 * COUNT + 2);
  const fromCron = third.filter(({ sender }) => sender === 'cron@lab.test');
  t.ok(fromCron.every(({ recipients }) => recipients.length === 1));
  t.same(firsts(fromCron), ['one@big.test', 'two@big.test']);
  const cron = fromCron[0]?.queue_id ?? '';
  const envelope = (await postfix.command(['postcat', '-qe', cron])).stdout;
  t.match(envelope, /: envelope_id=envid77/);
  // 4 is FAILURE, 8 is DELAY.
  t.match(envelope, /: notify_flags=12/);
  const log = await postfix.log();
  t.match(log, /orig_queue_id=\w+, orig_client=localhost\[127\.0\.0\.1\]/, 'XFORWARD');
  t.notMatch(log, /Queue Attribute|loops back/);

  // One of them has no record of ours.
  const records: OurHolds = new Map(
    third.flatMap(({ queue_id: id }) => (id === cron ? [] : [[id, false]])),
  );
  const shown = await unconfigure(false);
  t.equal(shown.held.released.length, 2 * COUNT + 1);
  t.equal((await postfix.postqueue()).length, 2 * COUNT + 2, 'printed, not done');
  const back = await unconfigure(true);
  t.equal(back.held.released.length, 2 * COUNT + 1);
  t.same(
    back.held.foreign.map(({ queueId }) => queueId),
    [cron],
    'not ours, left there',
  );
  t.same(back.onTheirWay, []);
  t.equal(back.reloaded, true);
  await postfix.waitFor(() => sink.deliveries.length >= 2 * COUNT + 1, { timeoutMs: 60_000 });
  await held(postfix, 1);
  const times = new Map<string, number>();
  for (const { recipient } of sink.deliveries)
    times.set(recipient, (times.get(recipient) ?? 0) + 1);
  t.ok(
    addresses.every((address) => times.get(address) === 2),
    'each once a message',
  );
  t.equal(sink.deliveries.length, 2 * COUNT + 1);
  await age(postfix);
  t.equal(await state(postfix), before, 'to the letter');

  function unconfigure(apply: boolean) {
    return unconfigurePostfix({
      configDirectory,
      listen,
      records: async () => records,
      apply,
      nowMs: 1000,
    });
  }
});

t.test('mail still on its way keeps the second hop until it has passed', async (t) => {
  const sink = await startSink();
  t.teardown(() => sink.close());
  const postfix = await startPostfix({ routes: { 'big.test': sink.port } });
  t.teardown(() => postfix.stop());
  const { configDirectory } = postfix;
  const listen = `unix:${postfix.queueDirectory}/postpace/milter.sock`;
  await age(postfix);
  const before = await state(postfix);
  const nowMs = 0;
  const splitPort = await freePort();
  await configurePostfix({ configDirectory, listen, split: true, splitPort, apply: true, nowMs });
  await postfix.set({ header_checks: `regexp:${configDirectory}/checks` });
  await writeFile(join(configDirectory, 'checks'), '/^Subject: wait/ HOLD\n');
  await mkdir(`${postfix.queueDirectory}/postpace`, { recursive: true });
  await age(postfix);
  await postfix.reload();
  const headers = { Subject: 'wait' };
  await send(postfix, { from: 'app@lab.test', to: ['one@big.test'], headers });
  const [waiting] = await held(postfix, 1);

  const options = { configDirectory, listen, records: noRecords, apply: true };
  const early = await unconfigurePostfix({ ...options, nowMs: 1000, drainMs: 0 });
  t.same(early.onTheirWay, [waiting?.queue_id]);
  await age(postfix);
  const hop = (await postfix.command(['postconf', '-M', 'postpace-split/unix'])).stdout;
  t.match(hop, /^postpace-split/, 'the hop is still there');

  await postfix.command(['postsuper', '-H', waiting?.queue_id ?? '']);
  await postfix.command(['postqueue', '-i', waiting?.queue_id ?? '']);
  await postfix.waitFor(() => sink.deliveries.length === 1);
  await postfix.idle();
  const late = await unconfigurePostfix({ ...options, nowMs: 2000 });
  t.same(late.onTheirWay, []);
  await postfix.command(['postconf', '-X', 'header_checks']);
  await age(postfix);
  t.equal(await state(postfix), before);
});
