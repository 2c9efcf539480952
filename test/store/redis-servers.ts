/** Real Redis servers of our own: private directories, free ports on loopback, stopped by pid. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { freePort, isFree } from '../../lab/port.ts';
import type { RedisServer } from '../../src/store/redis-server.ts';

/** The bus of a Cluster is at a port so far above. */
const BUS = 10_000;
/** A client that nobody closed gives up after so many tries, and the process may end. */
const MOST_TRIES = 1200;

export interface Running {
  readonly port: number;
  readonly pid: number;
  readonly server: RedisServer;
  /** A client of the test's own. */
  client(): Redis;
  kill(signal: NodeJS.Signals): void;
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly port?: number;
  /** Lines of a configuration file, where a server needs one that it can write. */
  readonly config?: (dir: string) => string;
  /** `redis-server --sentinel` */
  readonly sentinel?: boolean;
  readonly client?: { readonly username?: string; readonly password?: string };
}

/** Rejects when redis-server is missing or does not start. */
export async function startRedis(options: StartOptions = {}): Promise<Running> {
  const dir = await mkdtemp(join(tmpdir(), 'postpace-redis-'));
  const port = options.port ?? (await freePort());
  const config = join(dir, 'redis.conf');
  await writeFile(config, options.config?.(dir) ?? '');
  const base = ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--daemonize', 'no'];
  const saving = ['--save', '', '--appendonly', 'no'];
  const own = options.sentinel ? ['--sentinel'] : saving;
  const args = [config, ...base, ...own, ...(options.args ?? [])];
  const child = spawn('redis-server', args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
  });
  const output = collect(child);
  const failed = new Promise<never>((_, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`redis-server ended (${code}): ${output()}`)));
  });
  failed.catch(() => undefined);
  const client = (): Redis => connect(port, options.client);
  const probe = client();
  try {
    await Promise.race([answers(probe), failed]);
  } finally {
    probe.disconnect();
  }
  return {
    port,
    pid: child.pid ?? 0,
    server: single(port),
    client,
    kill: (signal) => void child.kill(signal),
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        const ended = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGKILL');
        await ended;
      }
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export function single(port: number, more: Partial<RedisServer> = {}): RedisServer {
  const hosts = [{ host: '127.0.0.1', port }];
  return { topology: 'single', tls: false, hosts, db: 0, ...more };
}

async function startNode(): Promise<Running> {
  let port = await freePort();
  while (!(await isFree(port + BUS))) port = await freePort();
  return startRedis({ port, args: ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000'] });
}

/** What `keep` was given is stopped where the work fails, lest the test waits for it for ever. */
async function together<T>(
  work: (keep: (starting: Promise<Running>) => Promise<Running>) => Promise<T>,
): Promise<T> {
  const all: Running[] = [];
  try {
    return await work(async (starting) => {
      const one = await starting;
      all.push(one);
      return one;
    });
  } catch (error) {
    await Promise.all(all.map((one) => one.stop()));
    throw error;
  }
}

/** Three masters that know one another. */
export async function startCluster(): Promise<{
  readonly nodes: readonly Running[];
  readonly server: RedisServer;
}> {
  return together(async (keep) => {
    const nodes = [await keep(startNode()), await keep(startNode()), await keep(startNode())];
    const clients = nodes.map((node) => node.client());
    const per = Math.ceil(16_384 / nodes.length);
    for (const [i, client] of clients.entries()) {
      const last = Math.min(16_383, (i + 1) * per - 1);
      await client.call('CLUSTER', 'ADDSLOTSRANGE', String(i * per), String(last));
      await client.call('CLUSTER', 'SET-CONFIG-EPOCH', String(i + 1));
    }
    for (const { port } of nodes.slice(1)) await clients[0]?.cluster('MEET', '127.0.0.1', port);
    for (const client of clients) {
      await until(async () => (await client.cluster('INFO')).includes('cluster_state:ok'));
      await until(async () => (await client.cluster('INFO')).includes('known_nodes:3'));
      client.disconnect();
    }
    const hosts = nodes.map(({ port }) => ({ host: '127.0.0.1', port }));
    return { nodes, server: { topology: 'cluster', tls: false, hosts, db: 0 } };
  });
}

/** A master, a replica and three Sentinels, which agree within a second that a master is gone. */
export async function startSentinels(): Promise<{
  readonly master: Running;
  readonly replica: Running;
  readonly all: readonly Running[];
  readonly server: RedisServer;
}> {
  return together(async (keep) => {
    const master = await keep(startRedis());
    const follows = ['--replicaof', '127.0.0.1', String(master.port)];
    const replica = await keep(startRedis({ args: follows }));
    const config = (): string =>
      [
        `sentinel monitor pace 127.0.0.1 ${master.port} 2`,
        'sentinel down-after-milliseconds pace 600',
        'sentinel failover-timeout pace 5000',
        '',
      ].join('\n');
    const sentinels: Running[] = [];
    for (let i = 0; i < 3; i += 1) {
      sentinels.push(await keep(startRedis({ sentinel: true, config })));
    }
    for (const sentinel of sentinels) {
      const client = sentinel.client();
      await until(async () => {
        const found = String(await client.call('SENTINEL', 'MASTER', 'pace'));
        return found.includes('num-slaves,1') && found.includes('num-other-sentinels,2');
      });
      client.disconnect();
    }
    const hosts = sentinels.map(({ port }) => ({ host: '127.0.0.1', port }));
    const server: RedisServer = { topology: 'sentinel', tls: false, hosts, master: 'pace', db: 0 };
    return { master, replica, all: [master, replica, ...sentinels], server };
  });
}

/**
 * Asks again until it is so; rejects after a minute: Sentinels that a busy machine did not let run
 * for two seconds do nothing for the next thirty.
 */
export async function until(so: () => Promise<boolean>): Promise<void> {
  const fromMs = performance.now();
  while (performance.now() - fromMs < 60_000) {
    if (await so()) return;
    await sleep(50);
  }
  throw new Error(`not within a minute: ${String(so)}`);
}

async function answers(client: Redis): Promise<void> {
  await until(async () => {
    try {
      return (await client.ping()) === 'PONG';
    } catch {
      return false;
    }
  });
}

function retryStrategy(times: number): number | null {
  return times > MOST_TRIES ? null : 50;
}

function connect(port: number, login: StartOptions['client'] = {}): Redis {
  const client = new Redis({ host: '127.0.0.1', port, retryStrategy, ...login });
  client.on('error', () => undefined);
  return client;
}

function collect(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (data: Buffer) => {
      text = (text + data.toString()).slice(-2000);
    });
  }
  return () => text;
}
