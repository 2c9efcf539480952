import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, lstat, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect, createServer as createSocketServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';

import { ControlError, type ControlTarget } from '../../src/control/api.ts';
import { controlClient, DaemonUnreachable } from '../../src/control/client.ts';
import { API_HEADER } from '../../src/control/greeting.ts';
import { serveControl, type ControlServer } from '../../src/control/server.ts';
import { groupId } from '../../src/control/socket.ts';
import { fakeDaemon, HELD, STATUS, UTC } from './fake-daemon.ts';

const SOON = { askMs: 300, actMs: 1_000 };

async function directory(test: Test): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'postpace-control-'));
  test.teardown(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function serve(
  test: Test,
  target: ControlTarget,
): Promise<{ readonly socket: string; readonly server: ControlServer }> {
  const socket = join(await directory(test), 'control.sock');
  const server = await serveControl(socket, target);
  test.teardown(() => server.close());
  return { socket, server };
}

t.test('every method of the target arrives with its arguments', async (test) => {
  const daemon = fakeDaemon();
  const { socket } = await serve(test, daemon);
  const client = controlClient(socket);

  test.same(await client.status(), STATUS);
  test.same((await client.status('utc')).providers, [UTC]);
  test.equal((await client.limits()).length, 3);
  const change = {
    pace: '10/min',
    burst: 2,
    quotas: ['300/h', '1500/day'],
    inFlight: 4,
    for: '2h',
    pin: true,
    reason: 'été',
    by: 'jane',
  };
  test.equal((await client.setLimits('utc', change)).limits.pace, '10/min');
  await client.resetLimits('utc', 'jane', 'over');
  test.equal((await client.history(undefined, 10)).length, 2);
  await client.suspend('utc', 'jane', '2h', 'why');
  await client.suspend('utc', 'jane');
  await client.resume('utc', 'jane');
  await client.pass(undefined, 'jane', '1h');
  await client.pass('utc', 'jane', '1h', 'why');
  test.same(await client.held({}), HELD);
  await client.held({ ids: ['4cRxYz1abcz001'], provider: 'utc', sender: '' });
  await client.releaseHeld({ provider: 'utc' }, 'jane');
  await client.adoptHeld(['4cRxYz1abcz005'], 'jane');
  test.equal(await client.reconcile(), null);
  test.equal((await client.explain('a b+c&d=é@utc.fr')).query, 'a b+c&d=é@utc.fr');
  test.match(await client.config(), { mode: 'hold' });
  await client.reload();

  test.same(daemon.asked, [
    ['status', undefined],
    ['status', 'utc'],
    ['limits', undefined],
    ['setLimits', 'utc', change],
    ['resetLimits', 'utc', 'jane', 'over'],
    ['history', undefined, 10],
    ['suspend', 'utc', 'jane', '2h', 'why'],
    ['suspend', 'utc', 'jane', undefined, undefined],
    ['resume', 'utc', 'jane', undefined],
    ['pass', undefined, 'jane', '1h', undefined],
    ['pass', 'utc', 'jane', '1h', 'why'],
    ['held', {}],
    ['held', { ids: ['4cRxYz1abcz001'], provider: 'utc', sender: '' }],
    ['releaseHeld', { provider: 'utc' }, 'jane'],
    ['adoptHeld', ['4cRxYz1abcz005'], 'jane'],
    ['reconcile'],
    ['explain', 'a b+c&d=é@utc.fr'],
    ['config'],
    ['reload'],
  ]);
});

t.test('what the daemon refuses reaches the client as it is', async (test) => {
  const { socket } = await serve(test, fakeDaemon());
  await test.rejects(controlClient(socket).status('nope'), {
    name: 'ControlError',
    status: 404,
    message: 'There is no provider nope.',
  });
});

t.test('a bug in the daemon is an internal error, logged', async (test) => {
  const socket = join(await directory(test), 'control.sock');
  const logged: unknown[] = [];
  const broken = {
    ...fakeDaemon(),
    status: async () => {
      throw new TypeError('undefined is not a function');
    },
  };
  const log = { error: (what: unknown) => logged.push(what), warn: () => undefined };
  const server = await serveControl(socket, broken, log);
  test.teardown(() => server.close());
  await test.rejects(controlClient(socket).status(), {
    name: 'ControlError',
    status: 500,
    message: 'Internal error: undefined is not a function',
  });
  test.match(logged, [{ url: '/status', err: TypeError }]);
});

t.test('bad parameters are named and never reach the daemon', async (test) => {
  const daemon = fakeDaemon();
  const { socket } = await serve(test, daemon);
  const ask = (method: string, path: string, body?: string): Promise<[number, string]> =>
    raw(socket, method, path, body);
  const cases: readonly (readonly [string, string, string | undefined, number, RegExp])[] = [
    [
      'POST',
      '/limits/set',
      '{"provider":"utc","change":{"by":"j","burst":0}}',
      400,
      /change\.burst/,
    ],
    ['POST', '/limits/set', '{"provider":"utc","change":{"by":"j","bust":1}}', 400, /bust/],
    ['POST', '/limits/set', '{"provider":"","change":{"by":"j"}}', 400, /provider/],
    ['POST', '/held/adopt', '{"ids":["ALL"],"by":"j"}', 400, /ids\.0: not a queue id/],
    ['POST', '/held/release', '{"selection":{"ids":["../../x1"]},"by":"j"}', 400, /not a queue id/],
    ['POST', '/suspend', '[]', 400, /./],
    ['POST', '/suspend', '{"provider":', 400, /JSON/],
    ['POST', '/suspend', '{"__proto__":{"x":1},"provider":"utc","by":"j"}', 400, /./],
    ['GET', '/limits/history?most=-1', undefined, 400, /most/],
    ['GET', '/status?provider=a&provider=b', undefined, 400, /provider/],
    ['GET', '/explain', undefined, 400, /query/],
    ['GET', '/nothing', undefined, 404, /Nothing is called GET \/nothing/],
    ['DELETE', '/limits/set', undefined, 404, /./],
    ['POST', '/held/list', `"${'x'.repeat(2 * 1024 * 1024)}"`, 413, /large/],
  ];
  for (const [method, path, body, status, error] of cases) {
    const [gotStatus, text] = await ask(method, path, body);
    test.equal(gotStatus, status, `${method} ${path}`);
    test.match(JSON.parse(text), { error }, `${method} ${path}`);
  }
  test.same(daemon.asked, []);
});

t.test('garbage on the socket harms nothing', async (test) => {
  const { socket } = await serve(test, fakeDaemon());
  const garbage = [
    '',
    '\0\0\0\rO\0\0\0\u0006\0\0\u0001\u00ff\0\u001f\u00ff\u00ff',
    '\u0016\u0003\u0001\u0002\0\u0001\0\u0001\u00fc\u0003\u0003',
    'GET / HTTP/9.9\r\n\r\n',
    'POST /reload HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n',
    'POST /reload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n',
    `GET /${'a'.repeat(100_000)} HTTP/1.1\r\n\r\n`,
    'x'.repeat(1_000_000),
  ];
  const open = garbage.map((text) => {
    const peer = connect(socket);
    peer.on('error', () => undefined);
    peer.write(Buffer.from(text, 'latin1'));
    return peer;
  });
  test.equal((await controlClient(socket).status()).pid, STATUS.pid, 'while they are open');
  for (const peer of open) peer.destroy();
  test.equal((await controlClient(socket).status()).pid, STATUS.pid, 'after they have gone');
});

t.test('the socket: mode, group, leftovers, rivals', async (test) => {
  const path = await directory(test);
  const socket = join(path, 'made', 'control.sock');

  await test.test('is made with its directory, 0660, in the group asked for', async (sub) => {
    const group = (await readFile('/etc/group', 'utf8')).split('\n')[1]?.split(':') ?? [];
    const server = await serveControl(socket, fakeDaemon(), undefined, group[0]);
    const stat = await lstat(socket);
    sub.ok(stat.isSocket());
    sub.equal(stat.mode & 0o777, 0o660);
    sub.equal(stat.gid, Number(group[2]), `group ${group[0]}`);
    sub.same(await readdir(join(path, 'made')), ['control.sock']);
    await server.close();
    sub.same(await readdir(join(path, 'made')), [], 'removed at the end');
  });

  await test.test('another postpace that answers keeps it', async (sub) => {
    const first = await serveControl(socket, fakeDaemon());
    await sub.rejects(serveControl(socket, fakeDaemon()), {
      name: 'ControlError',
      status: 409,
      message: `Another postpace runs: it answers on ${socket}.`,
    });
    sub.equal((await controlClient(socket).status()).pid, STATUS.pid, 'the first one still does');
    await first.close();
  });

  await test.test('one that a killed daemon left behind is replaced', async (sub) => {
    const script = `require('net').createServer().listen(${JSON.stringify(socket)}, () => console.log('on'))`;
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'close');
    sub.ok((await lstat(socket)).isSocket(), 'left behind');
    const server = await serveControl(socket, fakeDaemon());
    sub.equal((await controlClient(socket).status()).pid, STATUS.pid);
    await server.close();
  });

  await test.test('closing leaves the socket of a successor alone', async (sub) => {
    const first = await serveControl(socket, fakeDaemon());
    await rm(socket);
    const second = await serveControl(socket, fakeDaemon());
    await first.close();
    sub.equal((await controlClient(socket).status()).pid, STATUS.pid);
    await second.close();
  });

  await test.test('a file that is no socket is never replaced', async (sub) => {
    const file = join(path, 'precious');
    await writeFile(file, 'data');
    await sub.rejects(serveControl(file, fakeDaemon()), { status: 409, message: /not a socket/ });
    sub.equal(await readFile(file, 'utf8'), 'data');
  });

  await test.test('a path too long for a socket, and one below a file', async (sub) => {
    const long = join(path, 'x'.repeat(120));
    await sub.rejects(serveControl(long, fakeDaemon()), { status: 500, message: /too long/ });
    const below = join(path, 'precious', 'control.sock');
    await sub.rejects(serveControl(below, fakeDaemon()), {
      name: 'ControlError',
      message: /can't be made/,
    });
  });
});

t.test('close ends connections that are open', async (test) => {
  const { socket, server } = await serve(test, fakeDaemon());
  const idle = connect(socket);
  await once(idle, 'connect');
  const ended = once(idle, 'close');
  await server.close();
  await ended;
  await test.rejects(controlClient(socket).status(), { name: 'DaemonUnreachable' });
});

t.test('the client says what is wrong, and what to do', async (test) => {
  const path = await directory(test);
  const socket = join(path, 'control.sock');
  const client = controlClient(socket, SOON);

  await test.rejects(client.status(), {
    name: 'DaemonUnreachable',
    message: /No daemon: there is no control socket .*control\.sock.*systemctl status postpace/,
  });

  const shut = createSocketServer();
  await once(shut.listen(socket), 'listening');
  await chmod(socket, 0o000);
  const root = process.geteuid?.() === 0;
  if (root) process.seteuid?.(65_534);
  try {
    // The directory is 0700 and root's: as nobody, not even the path can be followed.
    await test.rejects(client.status(), { message: /No permission for .*adduser USER postpace/ });
  } finally {
    if (root) process.seteuid?.(0);
  }
  shut.close();

  const mute = createSocketServer();
  const peers: { destroy(): unknown }[] = [];
  mute.on('connection', (peer) => peers.push(peer));
  await once(mute.listen(socket), 'listening');
  await test.rejects(client.status(), { message: /did not answer in time/ });
  await test.rejects(client.reload(), { message: /did not answer in time/ });
  for (const peer of peers) peer.destroy();
  mute.close();

  const other = createServer((_, response) => response.end('hello'));
  await once(other.listen(socket), 'listening');
  await test.rejects(client.status(), { message: /Something other than postpace answers/ });
  other.removeAllListeners('request');
  other.on('request', (_, response) => response.setHeader(API_HEADER, '99').end('{}'));
  await test.rejects(client.status(), { message: /speaks version 99 .*restart the daemon/ });
  other.removeAllListeners('request');
  other.on('request', (incoming) => incoming.socket.destroy());
  await test.rejects(client.status(), DaemonUnreachable);
  other.removeAllListeners('request');
  other.on('request', (_, response) => {
    response.setHeader(API_HEADER, '1');
    response.write('{"half');
    setTimeout(() => response.destroy(), 20);
  });
  await test.rejects(client.status(), DaemonUnreachable, 'killed in the middle of its answer');
  other.close();
  other.closeAllConnections();
});

t.test('an answer of 10,000 held messages', async (test) => {
  const [first] = HELD;
  if (first === undefined) throw new Error('the fixture is empty');
  const many = Array.from({ length: 10_000 }, () => first);
  const { socket } = await serve(test, fakeDaemon(many));
  test.equal((await controlClient(socket).held({})).length, 10_000);
  const ids = Array.from({ length: 10_000 }, (_, n) => `4cRxYz${String(n).padStart(9, '0')}`);
  test.equal((await controlClient(socket).held({ ids })).length, 0, 'and a question of as many');
});

t.test('groupId reads /etc/group', async (test) => {
  const text = 'root:x:0:\npostpace-x:x:5:\npostpace:x:997:jane,joe\nbroken\nodd:x:ten:\n';
  test.equal(groupId(text, 'postpace'), 997);
  test.equal(groupId(text, 'odd'), undefined);
  test.equal(groupId(text, 'nobody'), undefined);
  test.equal(groupId('', 'postpace'), undefined);
});

t.test('ControlError keeps its status', async (test) => {
  test.match(new ControlError(503, 'later'), {
    name: 'ControlError',
    status: 503,
    message: 'later',
  });
});

/** One HTTP exchange as bytes, past the client. */
function raw(
  socket: string,
  method: string,
  path: string,
  body: string | undefined,
): Promise<[number, string]> {
  return new Promise((resolve, reject) => {
    const peer = connect(socket);
    let answer = '';
    peer.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
    peer.on('error', (error: NodeJS.ErrnoException) => {
      // A body that is refused for its size is not read to its end.
      if (answer === '' || (error.code !== 'EPIPE' && error.code !== 'ECONNRESET')) reject(error);
    });
    peer.on('close', () => {
      const [head = '', ...rest] = answer.split('\r\n\r\n');
      resolve([Number(head.split(' ')[1]), rest.join('\r\n\r\n')]);
    });
    const length =
      body === undefined
        ? ''
        : `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`;
    peer.write(
      `${method} ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${length}\r\n${body ?? ''}`,
    );
  });
}
