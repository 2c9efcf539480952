import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { Limits } from '../../src/limit/limits.ts';
import { openRedisStore } from '../../src/store/redis.ts';
import type { RedisServer } from '../../src/store/redis-server.ts';
import { StoreError } from '../../src/store/store.ts';
import type { Store, TakeRequest, TakeResult } from '../../src/store/store.ts';
import { single, startRedis, until } from './redis-servers.ts';

const limits: Limits = { quotas: [{ count: 1000, windowUs: 3600e6 }] };
let ids = 0;
const request = (): TakeRequest => ({
  id: `host/${(ids += 1)}`,
  lane: 1,
  queued: false,
  demands: [{ provider: 'p', recipients: 1, limits }],
});
const open = (server: RedisServer, answerMs = 10_000): Promise<Store> =>
  openRedisStore({ server, pool: 'postpace', host: 'host', answerMs });

const adjustment = {
  atUs: 1,
  provider: 'p',
  kind: 'pass',
  from: '',
  to: 'pass',
  why: 'tried',
  by: 'root',
} as const;

/** Asks until it answers again. */
async function again(store: Store): Promise<TakeResult> {
  let result: TakeResult | undefined;
  await until(async () => {
    try {
      result = await store.take(request());
      return true;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      return false;
    }
  });
  return result!;
}

t.test('a server that is frozen, thawed, killed and started again', async (t) => {
  const redis = await startRedis();
  const store = await open(redis.server, 200);
  t.ok((await again(store)).ok);
  redis.kill('SIGSTOP');
  const fromMs = performance.now();
  await t.rejects(store.take(request()), {
    name: 'StoreError',
    message: /no answer within 200 ms/,
  });
  t.ok(performance.now() - fromMs < 2000, 'it did not hang');
  redis.kill('SIGCONT');
  t.ok((await again(store)).ok);
  const adjustmentOfC = { ...adjustment, provider: 'c' };
  await store.setControl('c', { suspended: {} }, adjustmentOfC);
  t.same([...(await store.controls()).keys()], ['c']);
  const told: string[] = [];
  store.onChange((provider) => told.push(provider));
  await redis.stop();
  await t.rejects(store.take(request()), { name: 'StoreError', message: /not connected/ });
  await t.rejects(store.usage('p'), StoreError);
  await t.rejects(store.announce('q', [1, 0, 0]), StoreError);
  const next = await startRedis({ port: redis.port });
  t.teardown(() => next.stop());
  t.ok((await again(store)).ok);
  const client = next.client();
  t.teardown(() => client.disconnect());
  await until(async () => (await client.hget('{postpace}:waiting', 'q')) === 'host 100');
  t.pass('what waits here is announced anew');
  await until(async () => told.includes('c') && told.includes('q'));
  t.pass('and everybody looks again');
  await client.script('FLUSH');
  t.ok((await store.take(request())).ok, 'scripts that were flushed are sent again');
  await client.config('SET', 'maxmemory', '1');
  await t.rejects(store.take(request()), { name: 'StoreError', message: /OOM/ });
  await client.config('SET', 'maxmemory', '0');
  const { hour } = await store.usage('p');
  t.ok((await store.take(request())).ok);
  t.equal((await store.usage('p')).hour, hour + 1, 'a full Redis charged nothing');
  await store.close();
  await store.close();
  await t.rejects(store.take(request()), { name: 'StoreError', message: /closed/ });
});

t.test('a connection that breaks before the answer: nothing is charged twice', async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.stop());
  const sockets = new Set<Socket>();
  let cut = false;
  const proxy = createServer((from) => {
    const to = connect(redis.port, '127.0.0.1');
    for (const socket of [from, to]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
    }
    from.on('data', (data) => to.write(data));
    to.on('data', (data) => {
      if (cut) for (const socket of sockets) socket.destroy();
      else from.write(data);
    });
    from.on('close', () => to.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const address = proxy.address();
  const store = await open(single(typeof address === 'object' ? (address?.port ?? 0) : 0));
  t.ok((await again(store)).ok);
  let asked = 1;
  for (let i = 0; i < 5; i += 1) {
    cut = true;
    const burst = Array.from({ length: 20 }, () => store.take(request()));
    const settled = await Promise.allSettled(burst);
    t.ok(settled.every(({ status }) => status === 'rejected'));
    cut = false;
    asked += burst.length;
    await until(async () => {
      asked += 1;
      return store.take(request()).then(
        () => true,
        () => false,
      );
    });
  }
  const { hour } = await store.usage('p');
  t.ok(hour >= 6 && hour <= asked, `${hour} charged of ${asked} that were asked for`);
  await store.close();
  for (const socket of sockets) socket.destroy();
  proxy.close();
});

t.test('no server, a wrong password, not enough rights: said in a sentence', async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.stop());
  const client = redis.client();
  t.teardown(() => client.disconnect());
  await client.call('ACL', 'SETUSER', 'postpace', 'on', '>geheim', ...grants());
  await client.call('ACL', 'SETUSER', 'weak', 'on', '>geheim', '+@connection', '+info');
  const wrong = single(redis.port, { user: 'postpace', password: 'falsch' });
  const weak = single(redis.port, { user: 'weak', password: 'geheim' });
  await Promise.all([
    t.rejects(open(wrong), { name: 'StoreError', message: /WRONGPASS/ }),
    t.rejects(open(weak), { name: 'StoreError', message: /NOPERM/ }),
  ]);
  const store = await open(single(redis.port, { user: 'postpace', password: 'geheim' }));
  t.ok((await store.take(request())).ok, 'the rights in the documentation are enough');
  await store.setControl('p', { pass: {} }, adjustment);
  await store.announce('p', [1, 0, 0]);
  t.equal((await store.controls()).size, 1);
  t.equal((await store.history(undefined, 5)).length, 1);
  t.same(await store.providers(), ['p']);
  await store.close();
  await redis.stop();
  const fromMs = performance.now();
  await t.rejects(open(redis.server), {
    name: 'StoreError',
    message: `Redis at 127.0.0.1:${redis.port}: connect ECONNREFUSED 127.0.0.1:${redis.port}`,
  });
  t.ok(performance.now() - fromMs < 15_000);
});

t.test('TLS: with the right certificate, and with no other', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'postpace-tls-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const [key, certificate] = [join(dir, 'key.pem'), join(dir, 'certificate.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const files = ['-keyout', key, '-out', certificate, '-days', '2', '-nodes'];
  const kind = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  execFileSync('openssl', [...kind, ...files, ...subject], { stdio: 'ignore' });
  const tlsPort = await freePort();
  const redis = await startRedis({
    args: [
      '--tls-port',
      String(tlsPort),
      '--tls-cert-file',
      certificate,
      '--tls-key-file',
      key,
      '--tls-ca-cert-file',
      certificate,
      '--tls-auth-clients',
      'no',
    ],
  });
  t.teardown(() => redis.stop());
  const ca = readFileSync(certificate, 'utf8');
  const store = await open(single(tlsPort, { tls: true, ca }));
  t.ok((await store.take(request())).ok);
  await store.close();
  await t.rejects(open(single(tlsPort, { tls: true })), {
    name: 'StoreError',
    message: /self.signed/,
  });
});

/** As docs/configuration.md names them. */
function grants(): string[] {
  const page = readFileSync('docs/configuration.md', 'utf8');
  const line = /ACL SETUSER postpace on >PASSWORD (.*)/.exec(page)?.[1];
  return line?.split(' ') ?? [];
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  await sleep(0);
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}
