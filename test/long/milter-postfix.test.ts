/** Real Postfix as the milter's peer, what takes longer: timeouts, kills, TLS, large bodies. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { freePort } from '../../lab/port.ts';
import { startPostfix, type PrivatePostfix } from '../../lab/postfix.ts';
import { command } from '../../lab/process.ts';
import { waitFor } from '../../lab/wait.ts';
import { createMilter, type Milter } from '../../src/milter/server.ts';
import { proceed, reject } from '../../src/milter/verdict.ts';
import { SmtpClient } from '../milter/smtp-client.ts';

const dir = mkdtempSync(join(tmpdir(), 'milter-'));
chmodSync(dir, 0o755);
const socketOf = (name: string): string => join(dir, `${name}.sock`);
const milters: Milter[] = [];
const log: string[] = [];
const bodies: Buffer[] = [];
const faults: string[] = [];
const onFault = (error: unknown): void => void faults.push(String(error));

/** Everything negotiated. */
const all = createMilter<undefined, Buffer[]>({
  macros: { helo: ['{tls_version}'], mail: ['i', '{auth_authen}', '{auth_type}'] },
  leadingSpace: true,
  transaction: () => [],
  on: {
    connect: (event) => void log.push(`connect ${event.host} ${event.family} ${event.address}`),
    helo: (event, { macros }) => void log.push(`helo ${event.name} ${macros.get('{tls_version}')}`),
    mail: (event, { macros }) =>
      void log.push(
        `mail ${event.address} ${macros.get('{auth_authen}')} ${macros.get('{auth_type}')}`,
      ),
    rcpt: ({ address }) => (address.includes('no@') ? reject : undefined),
    data() {},
    unknown: (event) => void log.push(`unknown ${event.line}`),
    header: (event) => void log.push(`${event.name}:${event.value.toString()}`),
    eoh() {},
    body: (event, { txn }) => void txn.push(Buffer.from(event.chunk)),
    eom: (_event, { txn }) => void bodies.push(Buffer.concat(txn)),
  },
  onFault,
});

/** Looks at headers, answers the end of message alone. */
const headers = createMilter({
  observe: {
    header: (event) => void log.push(event.name),
    body() {},
    eoh() {},
    rcpt() {},
    mail() {},
  },
  edits: ['quarantine'],
  on: { eom: ({ edit }) => edit.quarantine('looked at') },
  onFault,
});

/** Takes 4 s at the end of message, and says so meanwhile. */
const patient = createMilter({
  on: {
    async eom(_event, context) {
      for (let i = 0; i < 8; i++) {
        await sleep(500);
        context.progress();
      }
    },
  },
  onFault,
});

/** Never decides; the deadline quarantines. */
const stuck = createMilter({
  edits: ['quarantine'],
  limits: { decisionMs: 300 },
  on: { rcpt: () => new Promise<undefined>(() => {}), eom: () => new Promise<undefined>(() => {}) },
  onError(error, { stage, edit }) {
    log.push(`${stage}: ${error instanceof Error ? error.name : ''}`);
    edit?.quarantine('no decision');
    return proceed;
  },
  onFault,
});

const ACTIONS = ['accept', 'reject', 'tempfail', 'quarantine'] as const;
const ports = new Map<string, number>();
let postfix: PrivatePostfix;

function port(name: string): number {
  const found = ports.get(name);
  if (found === undefined) throw new Error(`no smtpd ${name}`);
  return found;
}

t.before(async () => {
  for (const [name, milter] of Object.entries({ all, headers, patient, stuck })) {
    await milter.listen({ path: socketOf(name), mode: 0o666 });
    milters.push(milter);
  }
  const bound = await all.listen({ host: '127.0.0.1', port: 0 });
  const tcpPort = 'port' in bound ? bound.port : 0;
  const certificate = join(dir, 'cert.pem');
  const key = join(dir, 'key.pem');
  const subject = ['-subj', '/CN=mail.lab.test', '-days', '2'];
  const made = await command(
    [
      'openssl',
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
    ].concat(['-keyout', key, '-out', certificate], subject),
  );
  if (made.code !== 0) throw new Error(made.stderr);
  const services: Record<string, string> = {
    unix: `smtpd_milters=unix:${socketOf('all')}`,
    inet: `smtpd_milters=inet:127.0.0.1:${tcpPort}`,
    soft: `smtpd_milters=unix:${socketOf('all')} -o soft_bounce=yes`,
    patient: `{ smtpd_milters = { unix:${socketOf('patient')}, content_timeout=2s } }`,
    stuck: `{ smtpd_milters = { unix:${socketOf('stuck')}, command_timeout=2s, content_timeout=2s } }`,
    frozen: `{ smtpd_milters = { unix:${socketOf('child')}, connect_timeout=1s, command_timeout=1s, content_timeout=1s, default_action=quarantine } }`,
  };
  for (const version of [2, 3, 4, 6]) {
    services[`headers ${version}`] =
      `smtpd_milters=unix:${socketOf('headers')} -o { milter_protocol = ${version}, no_header_reply }`;
  }
  for (const action of ACTIONS) {
    services[action] =
      `{ smtpd_milters = { unix:${socketOf('child')}, default_action=${action} } }`;
  }
  const master = ['tlsmgr unix - - n 1000? 1 tlsmgr'];
  for (const [name, option] of Object.entries(services)) {
    const at = await freePort();
    ports.set(name, at);
    master.push(`127.0.0.1:${at} inet n - n - - smtpd -o ${option}`);
  }
  postfix = await startPostfix({
    routes: { '*': 'discard:' },
    master,
    main: {
      smtpd_authorized_xclient_hosts: '127.0.0.0/8',
      smtpd_tls_security_level: 'may',
      smtpd_tls_cert_file: certificate,
      smtpd_tls_key_file: key,
    },
  });
});

t.beforeEach(() => {
  for (const list of [log, bodies, faults]) list.length = 0;
});

async function isHeld(answer: string): Promise<boolean> {
  const [, id] = /queued as (\S+)/.exec(answer) ?? [];
  const queue = await postfix.postqueue();
  return queue.some((entry) => entry.queue_id === id && entry.queue_name === 'hold');
}

async function startChild(): Promise<ChildProcess> {
  const script = fileURLToPath(new URL('../milter/milter-child.js', import.meta.url));
  const child = spawn(process.execPath, [script, socketOf('child')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.stdout) await once(child.stdout, 'data');
  chmodSync(socketOf('child'), 0o666);
  return child;
}

for (const family of ['unix', 'inet']) {
  t.test(`${family}: everything negotiated, a large body byte for byte`, async (t) => {
    const client = await SmtpClient.greet(port(family));
    const lines = Array.from({ length: 20_000 }, (_, i) => `${i} ${'x'.repeat(i % 70)}é`);
    const text = Buffer.from(`${lines.join('\r\n')}\r\n`);
    await client.ask('NOSUCH thing');
    const answer = await client.send(
      'app@example.org',
      ['a@example.net'],
      text.toString('latin1').trimEnd(),
    );
    t.match(answer, /^250/);
    await client.quit();
    t.ok(bodies[0]?.equals(text), `${text.length} bytes`);
    t.match(log[0], /^connect localhost inet 127\.0\.0\.1$/);
    t.ok(log.includes('From: <app@example.org>'), 'headers with the space after the colon');
    t.ok(log.some((line) => line.startsWith('unknown NOSUCH')));
    t.strictSame(faults, []);
  });
}

t.test('STARTTLS: HELO again, with the macros of TLS', async (t) => {
  const client = await SmtpClient.greet(port('unix'));
  await client.startTls();
  await client.ask('EHLO secure.example');
  t.match(await client.send('app@example.org', ['a@example.net']), /^250/);
  await client.quit();
  t.match(log[1], 'helo client.example undefined');
  t.match(log[2], /^helo secure\.example TLSv1/);
});

t.test('XCLIENT: a new session on a new connection', async (t) => {
  const client = await SmtpClient.greet(port('unix'));
  t.match(await client.ask('XCLIENT NAME=mx.example ADDR=192.0.2.7 LOGIN=alice'), /^220/);
  await client.ask('EHLO again.example');
  t.match(await client.ask('MAIL FROM:<app@example.org>'), /^250/);
  t.ok(log.includes('connect mx.example inet 192.0.2.7'));
  t.equal(log.at(-1), 'mail <app@example.org> alice XCLIENT');
  await client.quit();
});

t.test('soft_bounce', async (t) => {
  const client = await SmtpClient.greet(port('soft'));
  await client.ask('MAIL FROM:<app@example.org>');
  t.equal(await client.ask('RCPT TO:<no@example.net>'), '450 4.7.1 Command rejected');
  await client.quit();
});

for (const version of [2, 3, 4, 6]) {
  t.test(`an observer at protocol ${version} with no_header_reply`, async (t) => {
    const client = await SmtpClient.greet(port(`headers ${version}`));
    for (let i = 0; i < 3; i++) {
      const answer = await client.send('app@example.org', ['a@example.net', 'b@example.net']);
      t.ok(await isHeld(answer), answer);
    }
    await client.quit();
    t.equal(log.filter((name) => name === 'Subject').length, 3);
    t.strictSame(faults, []);
  });
}

t.test('progress outlasts content_timeout', async (t) => {
  const client = await SmtpClient.greet(port('patient'));
  t.match(await client.send('app@example.org', ['a@example.net']), /^250/);
  await client.quit();
  t.notMatch(await postfix.log(), /timed out/i);
});

t.test('a handler that never decides: continue at RCPT, hold at the end', async (t) => {
  const client = await SmtpClient.greet(port('stuck'));
  const answer = await client.send('app@example.org', ['a@example.net']);
  t.ok(await isHeld(answer), answer);
  t.strictSame(log, ['rcpt: TimeoutError', 'eom: TimeoutError']);
  await client.quit();
});

const OUTCOME = { accept: /^250/, reject: /^550/, tempfail: /^451/, quarantine: /^250/ };

for (const action of ACTIONS) {
  t.test(`killed in each state, default_action=${action}`, async (t) => {
    for (const stage of ['EHLO', 'MAIL', 'RCPT', 'DATA']) {
      const child = await startChild();
      const client = await SmtpClient.greet(port(action));
      let answer = '';
      const steps: readonly [string, string][] = [
        ['EHLO', 'MAIL FROM:<app@example.org>'],
        ['MAIL', 'RCPT TO:<a@example.net>'],
        ['RCPT', 'DATA'],
        ['DATA', 'Subject: x\r\n\r\nx\r\n.'],
      ];
      for (const [before, line] of steps) {
        if (before === stage) {
          child.kill('SIGKILL');
          await once(child, 'exit');
        }
        answer = await client.ask(line);
        if (!/^[23]/.test(answer)) break;
      }
      t.match(answer, OUTCOME[action], `after ${stage}`);
      t.equal(await isHeld(answer), action === 'quarantine', `after ${stage}: held`);
      await client.quit();
    }
  });
}

t.test('frozen in each state: held within seconds', async (t) => {
  for (const stage of ['nothing', 'EHLO', 'MAIL', 'RCPT', 'DATA']) {
    const child = await startChild();
    const before = performance.now();
    if (stage === 'nothing') child.kill('SIGSTOP');
    const client = await SmtpClient.greet(port('frozen'));
    if (stage === 'EHLO') child.kill('SIGSTOP');
    await client.ask('MAIL FROM:<app@example.org>');
    if (stage === 'MAIL') child.kill('SIGSTOP');
    await client.ask('RCPT TO:<a@example.net>');
    if (stage === 'RCPT') child.kill('SIGSTOP');
    await client.ask('DATA');
    if (stage === 'DATA') child.kill('SIGSTOP');
    const answer = await client.ask('Subject: x\r\n\r\nx\r\n.');
    t.ok(await isHeld(answer), `after ${stage}: ${answer}`);
    t.ok(performance.now() - before < 10_000, `after ${stage}: in time`);
    await client.quit();
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});

t.test('everything closes', async (t) => {
  await Promise.all(milters.map((milter) => milter.close()));
  await postfix.stop();
  rmSync(dir, { recursive: true, force: true });
  await waitFor(() => milters.every((milter) => milter.counters.open === 0));
  t.pass('closed');
});
