import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { ListenAddress } from '../../src/milter/listener.ts';
import type { MilterOptions } from '../../src/milter/options.ts';
import { createMilter, type Milter } from '../../src/milter/server.ts';
import { ABORT, CONNECT, DATA, EOM, HELO, MAIL, QUIT, RCPT } from './dialogue.ts';
import { FakeMta } from './fake-mta.ts';

const dir = mkdtempSync(join(tmpdir(), 'milter-'));
t.after(() => rmSync(dir, { recursive: true, force: true }));

let paths = 0;
function freshPath(): string {
  return join(dir, `${++paths}.sock`);
}

/** A milter that quarantines every message. */
function holder(extra: Partial<MilterOptions<undefined, undefined>> = {}): Milter {
  return createMilter({
    edits: ['quarantine', 'addHeader'],
    on: {
      connect() {},
      helo() {},
      mail() {},
      rcpt() {},
      data() {},
      eom: ({ edit }) => edit.quarantine('paced'),
    },
    ...extra,
  });
}

async function sendOne(mta: FakeMta): Promise<string[]> {
  const kinds: string[] = [];
  for (const command of [MAIL, RCPT, DATA]) kinds.push((await mta.ask(command)).kind);
  kinds.push((await mta.ask(EOM)).kind, (await mta.reply()).kind);
  return kinds;
}

const HELD = ['continue', 'continue', 'continue', 'quarantine', 'continue'];

for (const family of ['unix', 'inet'] as const) {
  t.test(
    `${family}: many messages on a connection, quarantine and answer in one write`,
    async (t) => {
      const milter = holder();
      const wanted = family === 'unix' ? { path: freshPath() } : { host: '127.0.0.1', port: 0 };
      const address = await milter.listen(wanted);
      const mta = await FakeMta.open(address);
      await mta.ask(CONNECT);
      for (let i = 0; i < 20; i++) {
        t.strictSame(await sendOne(mta), HELD);
        t.equal(mta.pieces.at(-1), 16, 'quarantine and continue came together');
        mta.tell(ABORT);
      }
      mta.tell(ABORT, QUIT);
      await mta.closed();
      t.match(milter.counters, { sessions: 1, messages: 20 });
      await milter.close();
      t.equal(milter.counters.open, 0);
    },
  );
}

t.test(
  'the socket file: its mode, a stale one replaced, a live one and a plain file left',
  async (t) => {
    const path = freshPath();
    const milter = holder();
    await milter.listen({ path, mode: 0o660 });
    t.equal(statSync(path).mode & 0o777, 0o660);
    await t.rejects(holder().listen({ path }), { code: 'EADDRINUSE' });
    t.strictSame(await sendOne(await FakeMta.open({ path })), HELD, 'the first goes on');
    await milter.close();
    t.throws(() => statSync(path), { code: 'ENOENT' }, 'removed in the end');

    const stale = freshPath();
    const child = spawn(process.execPath, [
      '-e',
      `require('net').createServer().listen(${JSON.stringify(stale)}, () => process.kill(process.pid, 'SIGKILL'))`,
    ]);
    await once(child, 'exit');
    t.ok(statSync(stale).isSocket());
    const second = holder();
    await second.listen({ path: stale, mode: 0o600 });
    t.strictSame(await sendOne(await FakeMta.open({ path: stale })), HELD);
    await second.close();

    const file = freshPath();
    writeFileSync(file, 'not a socket');
    await t.rejects(holder().listen({ path: file }), { code: 'EADDRINUSE' });
    t.ok(statSync(file).isFile());
    await t.rejects(holder().listen({ path: join(dir, 'missing', 'x.sock') }), /ENOENT|EACCES/);
  },
);

t.test('a listening descriptor, as systemd passes it', async (t) => {
  const path = freshPath();
  const script = fileURLToPath(new URL('./milter-child.js', import.meta.url));
  const child = spawn('systemd-socket-activate', ['-l', path, process.execPath, script, 'fd'], {
    stdio: 'ignore',
  });
  let mta: FakeMta | undefined;
  // The file is there a moment before anybody listens on it.
  while (!mta) mta = await FakeMta.open({ path }).catch(() => sleep(5, undefined));
  t.strictSame(await sendOne(mta), HELD);
  mta.tell(QUIT);
  await mta.closed();
  t.strictSame(await sendOne(await FakeMta.open({ path })), HELD);
  child.kill('SIGTERM');
  await once(child, 'exit');
  t.equal(child.exitCode, 0);
  t.ok(statSync(path).isSocket(), 'the file belongs to systemd');
});

t.test('a connection that says nothing, or only QUIT, is nobody`s business', async (t) => {
  const told: unknown[] = [];
  const ended: unknown[] = [];
  const milter = holder({
    onFault: (error) => void told.push(error),
    onError: (error) => void told.push(error),
    end: (how) => void ended.push(how),
  });
  const address = await milter.listen({ host: '127.0.0.1', port: 0 });
  const check = await FakeMta.open(address, null);
  check.socket.destroy();
  const polite = await FakeMta.open(address, null);
  polite.tell(QUIT);
  await polite.closed();
  const reset = await FakeMta.open(address);
  reset.socket.resetAndDestroy();
  const half = await FakeMta.open(address);
  half.socket.end();
  await half.closed();
  while (milter.counters.open > 0) await sleep(1);
  t.strictSame(told, []);
  t.strictSame(ended, []);
  t.equal(milter.counters.sessions, 4);
  await milter.close();
});

t.test('what is no milter protocol is closed, told, and harms nobody', async (t) => {
  const told: unknown[] = [];
  const milter = holder({ onFault: (error, where) => void told.push(`${where} ${String(error)}`) });
  const address = await milter.listen({ host: '127.0.0.1', port: 0 });
  const good = await FakeMta.open(address);
  const hostile = [
    'GET / HTTP/1.0\r\n\r\n',
    'EHLO scanner\r\n',
    Buffer.from('1603010200010001fc0303', 'hex'),
    Buffer.from('00000000', 'hex'),
    Buffer.from('8000000042', 'hex'),
    Buffer.from('ffffffff42', 'hex'),
    Buffer.alloc(100_000, 0xff),
    Buffer.from('000000014d', 'hex'),
  ];
  for (const bytes of hostile) {
    const scanner = await FakeMta.open(address, null);
    scanner.socket.write(bytes);
    await scanner.closed();
  }
  t.equal(told.length, hostile.length);
  t.match(told[0], /^peer ProtocolError: frame length 1195725856/);
  t.strictSame(await sendOne(good), HELD);
  await milter.close();
});

t.test('the connection is lost in each state: the transaction ends once', async (t) => {
  for (const [at, said] of [
    [CONNECT],
    [CONNECT, MAIL],
    [MAIL, RCPT],
    [MAIL, RCPT, DATA],
  ].entries()) {
    const ends: string[] = [];
    const milter = holder({ end: (how) => void ends.push(how) });
    const address = await milter.listen({ path: freshPath() });
    const mta = await FakeMta.open(address);
    for (const command of said) await mta.ask(command);
    mta.socket.destroy();
    while (milter.counters.open > 0) await sleep(1);
    t.strictSame(ends, at === 0 ? [] : ['aborted']);
    await milter.close();
  }
});

t.test('200 sessions at once', async (t) => {
  const milter = holder();
  for (const address of [
    await milter.listen({ path: freshPath() }),
    await milter.listen({ host: '127.0.0.1', port: 0 }),
  ]) {
    const mtas = await Promise.all(Array.from({ length: 200 }, () => FakeMta.open(address)));
    t.equal(milter.counters.open, 200);
    const results = await Promise.all(
      mtas.map(async (mta) => {
        await mta.ask(CONNECT);
        await mta.ask(HELO);
        return [...(await sendOne(mta)), ...(await sendOne(mta))];
      }),
    );
    for (const kinds of results) t.strictSame(kinds, [...HELD, ...HELD]);
    for (const mta of mtas) mta.tell(QUIT);
    await Promise.all(mtas.map((mta) => mta.closed()));
    while (milter.counters.open > 0) await sleep(1);
  }
  t.match(milter.counters, { sessions: 400, messages: 800 });
  await milter.close();
});

t.test('1000 idle connections are held, and one more is served', async (t) => {
  const milter = holder();
  const address = await milter.listen({ path: freshPath() });
  const idle: FakeMta[] = [];
  for (let i = 0; i < 10; i++) {
    idle.push(...(await Promise.all(Array.from({ length: 100 }, () => FakeMta.open(address)))));
  }
  t.equal(milter.counters.open, 1000);
  t.strictSame(await sendOne(await FakeMta.open(address)), HELD);
  t.notOk(idle.some((mta) => mta.isClosed));
  await milter.close();
  await Promise.all(idle.map((mta) => mta.closed()));
  t.equal(milter.counters.open, 0);
});

t.test('more connections than allowed are closed, and told', async (t) => {
  const told: string[] = [];
  const milter = holder({
    limits: { sessions: 2 },
    onFault: (error, where) => void told.push(`${where}: ${String(error)}`),
  });
  const address = await milter.listen({ path: freshPath() });
  const first = await FakeMta.open(address);
  await FakeMta.open(address);
  const third = await FakeMta.open(address, null);
  await third.closed();
  await (await FakeMta.open(address, null)).closed();
  t.strictSame(told, ['listener: Error: more than 2 connections']);
  first.tell(QUIT);
  await first.closed();
  while (milter.counters.open > 1) await sleep(1);
  t.strictSame(await sendOne(await FakeMta.open(address)), HELD);
  await milter.close();
});

t.test('a silent connection is closed after its time', async (t) => {
  const milter = holder({ limits: { idleMs: 30 } });
  const address = await milter.listen({ path: freshPath() });
  const mta = await FakeMta.open(address);
  await mta.closed();
  t.equal(milter.counters.sessions, 1);
  await milter.close();
});

t.test(
  'drain: no new connections, open ones finish, what is left is closed at the end',
  async (t) => {
    const ends: string[] = [];
    const milter = holder({ end: (how) => void ends.push(how) });
    const address = await milter.listen({ host: '127.0.0.1', port: 0 });
    const busy = await FakeMta.open(address);
    await busy.ask(MAIL);
    const drained = milter.drain(5000);
    await t.rejects(FakeMta.open(address), { code: 'ECONNREFUSED' });
    await busy.ask(RCPT);
    await busy.ask(DATA);
    t.equal((await busy.ask(EOM)).kind, 'quarantine');
    t.equal((await busy.reply()).kind, 'continue');
    t.strictSame(await sendOne(busy), HELD, 'and a second message');
    busy.tell(QUIT);
    await busy.closed();
    await drained;
    t.strictSame(ends, ['passed', 'passed']);

    const other = holder({ end: (how) => void ends.push(how) });
    const path = freshPath();
    const open = await FakeMta.open(await other.listen({ path }));
    await open.ask(MAIL);
    await other.drain(20);
    await open.closed();
    t.strictSame(ends, ['passed', 'passed', 'aborted']);
    t.throws(() => statSync(path), { code: 'ENOENT' });
    await holder().drain(1000);
  },
);

t.test('a slow reader of a long body', async (t) => {
  const body = Buffer.alloc(2 ** 21, 'x');
  const milter = createMilter({
    edits: ['replaceBody'],
    on: { eom: ({ edit }) => edit.replaceBody(body) },
  });
  const address = await milter.listen({ path: freshPath() });
  const mta = await FakeMta.open(address);
  mta.socket.pause();
  mta.tell(EOM, EOM, EOM);
  await sleep(50);
  t.equal(milter.counters.messages, 1, 'the next waits until this one is read');
  mta.socket.resume();
  let bytes = 0;
  for (let answers = 0; answers < 3;) {
    const reply = await mta.reply();
    if (reply.kind === 'replaceBody') bytes += reply.chunk.length;
    else answers++;
  }
  t.equal(bytes, 3 * body.length);
  await milter.close();
});

t.test('out of descriptors: it is told once, and the milter goes on', async (t) => {
  const path = freshPath();
  const script = fileURLToPath(new URL('./milter-child.js', import.meta.url));
  const child = spawn(
    '/bin/sh',
    ['-c', `ulimit -n 60; exec "$0" "$@"`, process.execPath, script, path],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let told = '';
  child.stderr.on('data', (text: Buffer) => (told += text.toString()));
  await once(child.stdout, 'data');
  const address: ListenAddress = { path };
  const sockets = Array.from({ length: 120 }, () => createConnection({ path }));
  for (const socket of sockets) {
    socket.on('error', () => undefined);
    socket.resume();
  }
  await sleep(500);
  const closed = sockets.filter((socket) => socket.closed).length;
  t.equal(closed, 90, 'of 120, those above half of the descriptors');
  t.equal(told, 'listener: Error: more than 30 connections\n');
  for (const socket of sockets) socket.destroy();
  await sleep(100);
  t.strictSame(await sendOne(await FakeMta.open(address)), HELD);
  child.kill('SIGTERM');
  await once(child, 'exit');
  t.equal(child.exitCode, 0);
});

t.test('SIGTERM drains: the message under way is answered', async (t) => {
  const path = freshPath();
  const script = fileURLToPath(new URL('./milter-child.js', import.meta.url));
  const child = spawn(process.execPath, [script, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  const mta = await FakeMta.open({ path });
  await mta.ask(MAIL);
  child.kill('SIGTERM');
  await sleep(50);
  await mta.ask(RCPT);
  await mta.ask(DATA);
  t.equal((await mta.ask(EOM)).kind, 'quarantine');
  t.equal((await mta.reply()).kind, 'continue');
  mta.tell(QUIT);
  await once(child, 'exit');
  t.equal(child.exitCode, 0);
  t.notOk(readdirSync(dir).includes(path));
});
