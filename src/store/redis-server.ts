/** Which Redis, and how ioredis is to talk to it: nothing queued, nothing sent twice. */
import { Cluster, Redis } from 'ioredis';

/** Several hosts of a Cluster or of Sentinels know one another: any that answers will do. */
export interface RedisServer {
  readonly topology: 'single' | 'sentinel' | 'cluster';
  readonly tls: boolean;
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  /** The master's name, with Sentinel. */
  readonly master?: string;
  readonly user?: string;
  readonly password?: string;
  /** What the Sentinels themselves ask for. */
  readonly sentinelPassword?: string;
  /** A certificate to trust in place of the system's, as PEM. */
  readonly ca?: string;
  /** 0 with a Cluster. */
  readonly db: number;
}

export type Client = Redis | Cluster;

const CONNECT_MS = 2000;

/** What a person calls it; no password. */
export function describe({ topology, hosts, master }: RedisServer): string {
  const list = hosts.map(({ host, port }) => `${host}:${port}`).join(', ');
  switch (topology) {
    case 'single':
      return `Redis at ${list}`;
    case 'sentinel':
      return `Redis ${master ?? ''} of the Sentinels at ${list}`;
    case 'cluster':
      return `the Redis Cluster at ${list}`;
    default:
      return topology satisfies never;
  }
}

/** A client that is not connected yet: `connect()` does, and reconnects by itself from then on. */
export function createClient(server: RedisServer, use: 'commands' | 'changes'): Client {
  const connection = connectionOptions(server, use);
  switch (server.topology) {
    case 'single':
      return new Redis({ ...connection, ...SINGLE, ...server.hosts[0], db: server.db });
    case 'sentinel':
      return new Redis({
        ...connection,
        ...SINGLE,
        db: server.db,
        sentinels: server.hosts.map((host) => ({ ...host })),
        name: server.master ?? '',
        sentinelCommandTimeout: CONNECT_MS,
        sentinelRetryStrategy: backoffMs,
        sentinelReconnectStrategy: () => 1000,
        // A master that is frozen, not gone, is left as soon as the Sentinels have another.
        failoverDetector: true,
        ...(server.sentinelPassword !== undefined && { sentinelPassword: server.sentinelPassword }),
        ...(server.tls && { enableTLSForSentinelMode: true, sentinelTLS: tlsOf(server) }),
      });
    case 'cluster':
      return new Cluster([...server.hosts], {
        redisOptions: connection,
        enableOfflineQueue: false,
        lazyConnect: true,
        clusterRetryStrategy: backoffMs,
        clusterNodeRetryStrategy: backoffMs,
        slotsRefreshInterval: 1000,
        slotsRefreshTimeout: CONNECT_MS,
        // What was sent once is not sent again: it may have been charged. A node that says MOVED has
        // charged nothing.
        retryDelayOnFailover: 0,
        retryDelayOnClusterDown: 0,
        maxRedirections: 4,
      });
    default:
      return server.topology satisfies never;
  }
}

const SINGLE = {
  lazyConnect: true,
  enableOfflineQueue: false,
  retryStrategy: backoffMs,
};

function connectionOptions(server: RedisServer, use: 'commands' | 'changes') {
  return {
    autoResendUnfulfilledCommands: false,
    // Done by us at each return: a failure of it must not end the process.
    autoResubscribe: false,
    maxRetriesPerRequest: 0,
    connectTimeout: CONNECT_MS,
    // After a failover the old master is a replica that refuses to write: nothing was charged.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
    disableClientInfo: true,
    connectionName: `postpace-${use}`,
    ...(server.user !== undefined && { username: server.user }),
    ...(server.password !== undefined && { password: server.password }),
    ...(server.tls && { tls: tlsOf(server) }),
  };
}

function tlsOf({ ca }: RedisServer): { ca?: string } {
  return ca === undefined ? {} : { ca };
}

function backoffMs(times: number): number {
  return Math.min(1000, 50 * times);
}
