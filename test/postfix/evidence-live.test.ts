/** Who holds, read from the log of a real Postfix while milters fail at every stage. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { t as root } from 'tap';
import { send } from '../../lab/client.ts';
import { startPostfix } from '../../lab/postfix.ts';
import { waitFor } from '../../lab/wait.ts';
import { HoldEvidence, type EvidenceOptions, type Ownership } from '../../src/postfix/evidence.ts';
import { readEvent } from '../../src/postfix/log-grammar.ts';
import { StampReader } from '../../src/postfix/stamp.ts';
import { startMilter, type Script, type ScriptedMilter } from './scripted-milter.ts';

// On a busy machine a process of Postfix takes its time.
root.setTimeout(180_000);

const FIRST = 'unix:postpace/first.sock';
const OURS = 'unix:postpace/milter.sock';

const postfix = await startPostfix({
  milters: [
    `{ ${FIRST}, default_action=accept }`,
    `{ ${OURS}, connect_timeout=1s, command_timeout=1s, content_timeout=1s, default_action=quarantine }`,
  ].join(', '),
  main: {
    smtpd_sender_restrictions: 'check_recipient_access inline:{held@far.test=HOLD}',
    queue_run_delay: '600s',
  },
  // Nothing listens there: what is not held is deferred.
  routes: { '*': 1 },
});
root.teardown(() => postfix.stop());
await mkdir(join(postfix.queueDirectory, 'postpace'));
await writeFile(join(postfix.configDirectory, 'headers'), '/^X-Check: hold/ HOLD by the check\n');
await postfix.set({ header_checks: `regexp:${join(postfix.configDirectory, 'headers')}` });
await postfix.reload();

const socketPath = (name: string) => join(postfix.queueDirectory, name.slice('unix:'.length));

async function ownerOf(
  queueId: string,
  options: Partial<EvidenceOptions> = {},
  prepare: (evidence: HoldEvidence) => void = () => undefined,
): Promise<Ownership | undefined> {
  const evidence = new HoldEvidence({ sockets: [OURS], ...options });
  prepare(evidence);
  const stamps = new StampReader();
  for (const line of (await postfix.log()).split('\n')) {
    const event = readEvent(line, stamps, Date.UTC(2026, 10, 24));
    if (event !== undefined) evidence.feed(event);
  }
  return evidence.ownerOf(queueId);
}

interface Case {
  readonly first: Script | 'down';
  readonly ours: Script | 'down';
  readonly to?: string;
  readonly header?: string;
}

/** Sends one message while the milters are as the case says; its queue id. */
async function sendOne(t: Pick<typeof root, 'equal'>, one: Case): Promise<string> {
  const milters: ScriptedMilter[] = [];
  if (one.first !== 'down') milters.push(await startMilter(socketPath(FIRST), one.first));
  if (one.ours !== 'down') milters.push(await startMilter(socketPath(OURS), one.ours));
  const sent = await send(
    { port: postfix.port },
    {
      from: 'app@lab.test',
      to: [one.to ?? 'someone@far.test'],
      headers: one.header === undefined ? {} : { 'X-Check': one.header },
    },
  );
  t.equal(sent.code, 250, sent.reply);
  for (const milter of milters) await milter.close();
  const queueId = sent.queueId ?? '';
  // postlogd writes a little later; the end of the session is its last line.
  await waitFor(async () => {
    const log = await postfix.log();
    const taken = log.indexOf(`${queueId}: client=`);
    return taken >= 0 && log.includes(': disconnect from', taken);
  });
  return queueId;
}

const failing: Record<string, Case> = {
  'is down': { first: {}, ours: 'down' },
  'is down, another too, which does not hold': { first: 'down', ours: 'down' },
  'closes at connect': { first: {}, ours: { C: 'close' } },
  'closes at helo': { first: {}, ours: { H: 'close' } },
  'closes at mail': { first: {}, ours: { M: 'close' } },
  'closes at rcpt': { first: {}, ours: { R: 'close' } },
  'closes at data': { first: {}, ours: { T: 'close' } },
  'is frozen at the negotiation': { first: {}, ours: { O: 'freeze' } },
  'is frozen at connect': { first: {}, ours: { C: 'freeze' } },
};
const failingAtEnd: Record<string, Case> = {
  'closes at a header': { first: {}, ours: { L: 'close' } },
  'closes at the end of the headers': { first: {}, ours: { N: 'close' } },
  'closes in the body': { first: {}, ours: { B: 'close' } },
  'closes at the end of the message': { first: {}, ours: { E: 'close' } },
  'is frozen at the end of the message': { first: {}, ours: { E: 'freeze' } },
  'is killed between QUARANTINE and the reply': {
    first: {},
    ours: { E: 'quarantine-then-close' },
  },
};
const foreign: Record<string, Case> = {
  'another milter quarantines': { first: { E: 'quarantine' }, ours: {} },
  'our own QUARANTINE, which only our records tell': { first: {}, ours: { E: 'quarantine' } },
  'a header check': { first: {}, ours: {}, header: 'hold' },
  'an access check': { first: {}, ours: {}, to: 'held@far.test' },
};

for (const [name, one] of Object.entries(failing)) {
  await root.test(`ours: ${name}`, async (t) => {
    t.match(await ownerOf(await sendOne(t, one)), { owner: 'ours', certain: false });
  });
}
for (const [name, one] of Object.entries(failingAtEnd)) {
  await root.test(`ours: ${name}`, async (t) => {
    t.match(await ownerOf(await sendOne(t, one)), { owner: 'ours', certain: true });
  });
}
for (const [name, one] of Object.entries(foreign)) {
  await root.test(`foreign: ${name}`, async (t) => {
    t.match(await ownerOf(await sendOne(t, one)), { owner: 'foreign', certain: true });
  });
}

await root.test('foreign: a milter that also holds when it is down, was down too', async (t) => {
  const id = await sendOne(t, { first: 'down', ours: 'down' });
  t.match(await ownerOf(id, { quarantining: [FIRST] }), { owner: 'foreign' });
});

await root.test('two holds at once: Postfix logs the first reason alone', async (t) => {
  const quarantined = await sendOne(t, { first: { E: 'quarantine' }, ours: 'down' });
  t.match(await ownerOf(quarantined), { owner: 'ours', certain: false });
  const checked = await sendOne(t, { first: {}, ours: 'down', header: 'hold' });
  t.match(await ownerOf(checked), { owner: 'ours', certain: false });
});

await root.test('mail from sendmail(1) while we are down', async (t) => {
  const first = await startMilter(socketPath(FIRST));
  t.teardown(() => first.close());
  const argv = ['sendmail', '-f', 'cron@lab.test', 'someone@far.test'];
  await postfix.command(argv, { input: 'Subject: by sendmail\n\nx\n' });
  const entry = await waitFor(async () =>
    (await postfix.postqueue()).find(
      ({ sender, queue_name: queue }) => sender === 'cron@lab.test' && queue === 'hold',
    ),
  );
  await waitFor(async () => (await postfix.log()).includes(`${entry.queue_id}: message-id=`));
  t.match(await ownerOf(entry.queue_id), { owner: 'ours', certain: false });
});

await root.test('held by hand: foreign, unless we said that it would be us', async (t) => {
  const id = await sendOne(t, { first: {}, ours: {} });
  await waitFor(async () =>
    (await postfix.postqueue()).some(
      ({ queue_id: one, queue_name: queue }) => one === id && queue === 'deferred',
    ),
  );
  t.equal(await ownerOf(id), undefined);
  await postfix.command(['postsuper', '-h', id, 'deferred']);
  await waitFor(async () => (await postfix.log()).includes(`${id}: placed on hold`));
  t.match(await ownerOf(id), { owner: 'foreign', why: 'held by hand with postsuper' });
  t.equal(await ownerOf(id, {}, (evidence) => evidence.expectHold([id])), undefined);
  await postfix.command(['postsuper', '-H', id]);
  await waitFor(async () => (await postfix.log()).includes(`${id}: released from hold`));
  t.equal(await ownerOf(id), undefined, 'that hold is over');
});
