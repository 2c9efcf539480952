/** Real Postfix as the peer: one instance, an smtpd for each way of talking to the milter. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { freePort } from '../../lab/port.ts';
import { startPostfix, type PrivatePostfix } from '../../lab/postfix.ts';
import { waitFor } from '../../lab/wait.ts';
import { createMilter } from '../../src/milter/server.ts';
import { reject, reply } from '../../src/milter/verdict.ts';
import { SmtpClient } from './smtp-client.ts';

const PROTOCOLS = [2, 3, 4, 6] as const;
const FAMILIES = ['unix', 'inet'] as const;
const DEFAULT_ACTIONS = ['accept', 'reject', 'tempfail', 'quarantine'] as const;

const dir = mkdtempSync(join(tmpdir(), 'milter-'));
chmodSync(dir, 0o755);
const path = join(dir, 'milter.sock');

interface Txn {
  readonly sender: string;
  readonly recipients: string[];
  queueId?: string;
}
/** What the milter saw: transactions as they ended, and other events. */
const ended: (Txn & { readonly how: string })[] = [];
const events: string[] = [];
const faults: string[] = [];

const milter = createMilter<{ client: string }, Txn>({
  edits: ['quarantine', 'addHeader'],
  macros: { rcpt: ['i', '{rcpt_addr}', '{rcpt_host}', '{rcpt_mailer}'], eom: ['i'] },
  session: () => ({ client: '' }),
  transaction: () => ({ sender: '', recipients: [] }),
  on: {
    connect(event, { session }) {
      session.client = `${event.host} ${event.family} ${event.address} ${event.port}`;
      events.push(
        `connect ${event.family} ${event.address} ${event.port === 0 ? 'sendmail' : 'smtp'}`,
      );
    },
    mail(event, { txn }) {
      Object.assign(txn, { sender: event.address });
      return event.address.includes('refused@') ? reply(451, '4.7.1', 'Not 100% now') : undefined;
    },
    rcpt({ address }, { txn }) {
      if (address.includes('no@')) return reject;
      if (address.includes('later@')) return reply(450, '4.2.1', 'line one', 'line two');
      txn.recipients.push(address);
      return undefined;
    },
    data() {},
    eom({ edit }, { txn, macros, session }) {
      txn.queueId = macros.get('i') ?? '';
      if (!session.client) throw new Error('the session is lost');
      if (txn.sender.includes('pass@')) return;
      edit.addHeader('X-Held', 'yes');
      edit.quarantine('paced');
    },
  },
  end: (how, { txn }) => void ended.push({ ...txn, how }),
  onFault: (error) => void faults.push(String(error)),
});

/** Looks at the envelope without answering it. */
const watched: string[] = [];
const watcher = createMilter<undefined, string[]>({
  edits: ['quarantine'],
  transaction: () => [],
  observe: {
    mail: (event, { txn }) => void txn.push(event.address),
    rcpt: (event, { txn }) => void txn.push(event.address),
  },
  on: { connect() {}, data() {}, eom: ({ edit }) => edit.quarantine('watched') },
  end: (how, { txn }) => void watched.push(`${how} ${txn.join(' ')}`),
});

/** What not to do over TCP: DATA is left out. */
const hasty = createMilter({ on: { eom() {} } });

let postfix: PrivatePostfix;
let tcpPort = 0;
const ports = new Map<string, number>();
function port(name: string): number {
  const found = ports.get(name);
  if (found === undefined) throw new Error(`no smtpd ${name}`);
  return found;
}

t.before(async () => {
  await milter.listen({ path, mode: 0o666 });
  await watcher.listen({ path: join(dir, 'watcher.sock'), mode: 0o666 });
  const bound = await milter.listen({ host: '127.0.0.1', port: 0 });
  if ('port' in bound) tcpPort = bound.port;
  const watcherBound = await watcher.listen({ host: '127.0.0.1', port: 0 });
  const watcherPort = 'port' in watcherBound ? watcherBound.port : 0;
  const hastyBound = await hasty.listen({ host: '127.0.0.1', port: 0 });
  const hastyPort = 'port' in hastyBound ? hastyBound.port : 0;
  const milters = new Map([
    ['no data', `inet:127.0.0.1:${hastyPort}`],
    ['watched inet', `inet:127.0.0.1:${watcherPort}`],
  ]);
  for (const protocol of PROTOCOLS) {
    milters.set(`unix ${protocol}`, `{ unix:${path}, protocol=${protocol} }`);
    milters.set(`inet ${protocol}`, `{ inet:127.0.0.1:${tcpPort}, protocol=${protocol} }`);
  }
  for (const action of DEFAULT_ACTIONS) {
    milters.set(`down ${action}`, `{ unix:${join(dir, 'nobody.sock')}, default_action=${action} }`);
    milters.set(`child ${action}`, `{ unix:${join(dir, 'child.sock')}, default_action=${action} }`);
  }
  milters.set('watched', `unix:${join(dir, 'watcher.sock')}`);
  milters.set('two', `unix:${path}, unix:${join(dir, 'watcher.sock')}`);
  const master: string[] = [];
  for (const [name, value] of milters) {
    const at = await freePort();
    ports.set(name, at);
    master.push(`127.0.0.1:${at} inet n - n - - smtpd -o { smtpd_milters = ${value} }`);
  }
  postfix = await startPostfix({
    routes: { '*': 'discard:' },
    master,
    main: { non_smtpd_milters: `unix:${path}`, smtpd_client_message_rate_limit: '0' },
  });
});

t.beforeEach(() => {
  for (const list of [ended, events, faults, watched]) list.length = 0;
});

async function held(): Promise<readonly string[]> {
  const queue = await postfix.postqueue();
  return queue.filter((entry) => entry.queue_name === 'hold').map((entry) => entry.queue_id);
}

function idOf(answer: string): string {
  const [, id] = /queued as (\S+)/.exec(answer) ?? [];
  if (id === undefined) throw new Error(`no queue id in ${answer}`);
  return id;
}

for (const family of FAMILIES) {
  for (const protocol of PROTOCOLS) {
    t.test(`${family}, protocol ${protocol}: three messages in one session`, async (t) => {
      const client = await SmtpClient.greet(port(`${family} ${protocol}`));
      const first = idOf(await client.send('app@example.org', ['a@example.net', 'b@example.com']));
      const passed = idOf(await client.send('pass@example.org', ['c@example.net']));
      await client.ask('MAIL FROM:<reset@example.org>');
      await client.ask('RCPT TO:<d@example.net>');
      t.match(await client.ask('RSET'), /^250/);
      const third = idOf(await client.send('', ['e@example.net']));
      await client.quit();
      await waitFor(() => ended.length === 4, { what: 'four transactions' });
      t.strictSame(
        ended.map(({ how, sender, recipients }) => [how, sender, recipients.join(' ')]),
        [
          ['passed', '<app@example.org>', '<a@example.net> <b@example.com>'],
          ['passed', '<pass@example.org>', '<c@example.net>'],
          ['aborted', '<reset@example.org>', '<d@example.net>'],
          ['passed', '<>', '<e@example.net>'],
        ],
      );
      t.strictSame(
        ended.map(({ queueId }) => queueId),
        [first, passed, undefined, third],
        'the queue id is known at the end of message',
      );
      const ids = await held();
      t.ok(ids.includes(first) && ids.includes(third), 'held');
      t.notOk(ids.includes(passed), 'not held');
      t.strictSame(events, ['connect inet 127.0.0.1 smtp'], 'one CONNECT');
      t.strictSame(faults, []);
    });
  }
}

t.test('what a refusal looks like to the client', async (t) => {
  const client = await SmtpClient.greet(port('unix 6'));
  t.equal(await client.ask('MAIL FROM:<refused@example.org>'), '451 4.7.1 Not 100% now');
  t.match(await client.ask('MAIL FROM:<app@example.org>'), /^250/, 'and the next one is free');
  t.equal(await client.ask('RCPT TO:<no@example.net>'), '550 5.7.1 Command rejected');
  t.equal(
    await client.ask('RCPT TO:<later@example.net>'),
    '450-4.2.1 line one\n450 4.2.1 line two',
  );
  t.match(await client.ask('RCPT TO:<yes@example.net>'), /^250/);
  t.match(await client.ask('DATA'), /^354/);
  const id = idOf(await client.ask('Subject: x\r\n\r\nx\r\n.'));
  await client.quit();
  await waitFor(() => ended.length === 2);
  t.match(ended, [
    { how: 'refused', sender: '<refused@example.org>' },
    { how: 'passed', recipients: ['<yes@example.net>'], queueId: id },
  ]);
});

t.test('clients that leave without a word, BDAT, and pipelined recipients', async (t) => {
  const gone = await SmtpClient.greet(port('inet 6'));
  await gone.ask('MAIL FROM:<app@example.org>');
  await gone.ask('RCPT TO:<a@example.net>');
  await gone.ask('DATA');
  gone.write('Subject: half a mes');
  gone.destroy();
  await waitFor(() => ended.length === 1);
  t.match(ended[0], { how: 'aborted', recipients: ['<a@example.net>'] });

  const client = await SmtpClient.greet(port('inet 6'));
  client.write(
    'MAIL FROM:<app@example.org>\r\nRCPT TO:<a@x.example>\r\nRCPT TO:<no@x.example>\r\n',
  );
  client.write('RCPT TO:<b@x.example>\r\nBDAT 14\r\nSubject: x\r\n\r\nBDAT 4 LAST\r\nhi\r\n');
  const replies: string[] = [];
  for (let i = 0; i < 6; i++) replies.push((await client.reply()).slice(0, 3));
  t.strictSame(replies, ['250', '250', '550', '250', '250', '250']);
  await client.quit();
  await waitFor(() => ended.length === 2);
  t.match(ended[1], { how: 'passed', recipients: ['<a@x.example>', '<b@x.example>'] });
});

t.test('sendmail(1)', async (t) => {
  const { code, stderr } = await postfix.command(
    ['sendmail', '-f', 'cron@example.org', 'root@example.net', 'ops@example.net'],
    { input: 'Subject: cron\n\nhello\n' },
  );
  t.equal(code, 0, stderr);
  await waitFor(() => ended.length === 1, { what: 'the mail of sendmail(1)' });
  t.match(ended[0], {
    how: 'passed',
    sender: 'cron@example.org',
    recipients: ['root@example.net', 'ops@example.net'],
  });
  t.strictSame(events, ['connect inet 127.0.0.1 sendmail'], 'port 0');
  const id = ended[0]?.queueId ?? '';
  await waitFor(async () => (await held()).includes(id), { what: 'the mail in hold' });
});

t.test('an envelope that is only looked at', async (t) => {
  const client = await SmtpClient.greet(port('watched'));
  const id = idOf(await client.send('app@example.org', ['a@example.net', 'b@example.net']));
  const second = idOf(await client.send('app@example.org', ['c@example.net']));
  await client.quit();
  await waitFor(() => watched.length === 2);
  t.strictSame(watched, [
    'passed <app@example.org> <a@example.net> <b@example.net>',
    'passed <app@example.org> <c@example.net>',
  ]);
  const ids = await held();
  t.ok(ids.includes(id) && ids.includes(second));
});

t.test('two milters: after a quarantine the second is not asked', async (t) => {
  const client = await SmtpClient.greet(port('two'));
  idOf(await client.send('app@example.org', ['a@example.net']));
  const passed = idOf(await client.send('pass@example.org', ['b@example.net']));
  await client.quit();
  await waitFor(() => watched.length === 2 && ended.length === 2);
  t.strictSame(
    watched.map((line) => line.split(' ')[0]),
    ['aborted', 'passed'],
  );
  t.ok((await held()).includes(passed), 'held by the second');
});

t.test('nobody listens: milter_default_action', async (t) => {
  const outcome = { accept: /^250/, reject: /^550/, tempfail: /^451/, quarantine: /^250/ };
  for (const action of DEFAULT_ACTIONS) {
    const client = await SmtpClient.greet(port(`down ${action}`));
    const answer = await client.send('app@example.org', ['a@example.net']);
    t.match(answer, outcome[action], action);
    const isHeld = answer.startsWith('250') && (await held()).includes(idOf(answer));
    t.equal(isHeld, action === 'quarantine', `${action}: held`);
    await client.quit();
  }
});

async function startChild(): Promise<ChildProcess> {
  const script = fileURLToPath(new URL('./milter-child.js', import.meta.url));
  const child = spawn(process.execPath, [script, join(dir, 'child.sock')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.stdout) await once(child.stdout, 'data');
  chmodSync(join(dir, 'child.sock'), 0o666);
  return child;
}

t.test('killed in each state, restarted: nothing is refused, everything is held', async (t) => {
  const stages = ['EHLO', 'MAIL', 'RCPT', 'DATA'] as const;
  for (const stage of stages) {
    const child = await startChild();
    const client = await SmtpClient.greet(port('child quarantine'));
    const kill = async (at: string): Promise<void> => {
      if (at !== stage) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    };
    await kill('EHLO');
    t.match(await client.ask('MAIL FROM:<app@example.org>'), /^250/, `killed after ${stage}`);
    await kill('MAIL');
    t.match(await client.ask('RCPT TO:<a@example.net>'), /^250/);
    await kill('RCPT');
    t.match(await client.ask('DATA'), /^354/);
    await kill('DATA');
    const id = idOf(await client.ask('Subject: x\r\n\r\nx\r\n.'));
    t.ok((await held()).includes(id));
    await client.quit();
  }
  const again = await startChild();
  const client = await SmtpClient.greet(port('child tempfail'));
  const id = idOf(await client.send('app@example.org', ['a@example.net']));
  t.ok((await held()).includes(id), 'a new process takes over the socket');
  await client.quit();
  again.kill('SIGTERM');
  await once(again, 'exit');
});

/** The time a quick message takes: the lower quartile of 40 in one session. */
async function quickMs(smtpd: string): Promise<number> {
  const client = await SmtpClient.greet(port(smtpd));
  const tookMs: number[] = [];
  for (let i = 0; i < 40; i++) {
    const before = performance.now();
    await client.send('pass@example.org', ['a@example.net']);
    tookMs.push(performance.now() - before);
  }
  await client.quit();
  return tookMs.toSorted((a, b) => a - b)[10] ?? Infinity;
}

t.test('over TCP an answered DATA spares each message a delayed acknowledgement', async (t) => {
  const answered = await quickMs('inet 6');
  const leftOut = await quickMs('no data');
  t.ok(leftOut > 35, `${leftOut.toFixed(1)} ms without DATA: Postfix waits for 40 ms`);
  t.ok(answered < leftOut / 2, `${answered.toFixed(1)} ms with it`);
  const watchedOnly = await quickMs('watched inet');
  t.ok(watchedOnly < leftOut / 2, `${watchedOnly.toFixed(1)} ms with the envelope only looked at`);
});

// Open servers keep the file's own end from coming, so this is a test of its own.
t.test('everything closes', async (t) => {
  await milter.close();
  await watcher.close();
  await hasty.close();
  await postfix.stop();
  rmSync(dir, { recursive: true, force: true });
  t.equal(milter.counters.open, 0);
});
