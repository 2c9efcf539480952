/**
 * rspamd as a milter with its ratelimit module alone, scanning by itself as on a single host, and a
 * Redis of its own. The limit is never reached. Undefined where rspamd is not installed.
 */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { command } from '../../lab/process.ts';
import type { Workshop } from './workshop.ts';

export interface Rspamd {
  readonly socket: string;
  /** How often its module has asked Redis: proof that it works. */
  checks(): Promise<number>;
}

const PROGRAM = '/usr/bin/rspamd';
const REDIS = '/usr/bin/redis-server';

export async function startRspamd(workshop: Workshop): Promise<Rspamd | undefined> {
  if (!existsSync(PROGRAM) || !existsSync(REDIS)) return undefined;
  const home = workshop.path('rspamd');
  await mkdir(home);
  const redis = `${home}/redis.sock`;
  const socket = `${home}/milter.sock`;
  const config = `${home}/rspamd.conf`;
  await writeFile(config, configuration(home, redis, socket));
  const noDisk = ['--save', '', '--appendonly', 'no'];
  await workshop.start([REDIS, '--port', '0', '--unixsocket', redis, ...noDisk], redis);
  await workshop.start([PROGRAM, '-f', '-i', '-c', config], socket);
  return {
    socket,
    async checks() {
      const { stdout } = await command(['redis-cli', '-s', redis, 'info', 'commandstats']);
      return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stdout)?.[1] ?? 0);
    },
  };
}

function configuration(home: string, redis: string, socket: string): string {
  return `
options {
  pidfile = "${home}/rspamd.pid";
  url_tld = "/usr/share/rspamd/effective_tld_names.dat";
  local_addrs = "192.0.2.0/24";
  filters = "";
  dns { nameserver = "127.0.0.1"; timeout = 1s; }
  cache_file = "${home}/symbols.cache";
  check_all_filters = false;
}
logging { type = "file"; filename = "${home}/rspamd.log"; level = "error"; }
worker "rspamd_proxy" {
  bind_socket = "${socket} mode=0666";
  milter = yes;
  timeout = 120s;
  count = 1;
  upstream "local" { default = yes; self_scan = yes; }
}
redis { servers = "${redis}"; }
modules { path = "/usr/share/rspamd/plugins/ratelimit.lua"; }
ratelimit {
  rates { to = { bucket = { burst = 1000000; rate = "1000000 / 1m"; } } }
}
actions { reject = 1500; add_header = 600; greylist = 400; }
`;
}
