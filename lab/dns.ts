/**
 * A DNS server on loopback: Debian's nsd, which answers for the zones it is given and for nothing
 * else (REFUSED). A zone without records answers SERVFAIL.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Keeper, startKeeper } from './keeper.ts';
import { freePort } from './port.ts';
import { waitFor } from './wait.ts';

/** Zone -> its records as a zone file has them, below an SOA and an NS of ours; `TTL` is 300. */
export type Zones = Readonly<Record<string, string>>;

export class Dns {
  /** `127.0.0.1:15353`, as dns.servers takes it. */
  readonly server: string;
  readonly port: number;
  readonly #directory: string;
  readonly #keeper: Keeper;
  #child: ChildProcess | undefined;
  #said = '';
  #serial = 1;

  constructor(directory: string, port: number) {
    this.#directory = directory;
    this.#keeper = startKeeper(directory);
    this.port = port;
    this.server = `127.0.0.1:${port}`;
  }

  async start(zones: Zones): Promise<void> {
    for (const [zone, records] of Object.entries(zones)) {
      if (records !== '') await this.#write(zone, records);
    }
    const file = join(this.#directory, 'nsd.conf');
    await writeFile(file, configuration(this.#directory, this.port, Object.keys(zones)));
    // A group of its own: the server forks, and is frozen as a whole.
    const child = spawn('nsd', ['-d', '-c', file], {
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child = child;
    if (child.pid !== undefined) this.#keeper.pid(child.pid);
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#said += text;
    });
    const started = (): boolean => {
      if (child.exitCode !== null) throw new Error(`nsd ended: ${this.#said}`);
      return this.#said.includes('nsd started');
    };
    await waitFor(started, { what: 'nsd to start' });
  }

  /** New records for a zone. The server answers by them a moment later. */
  async change(zone: string, records: string): Promise<void> {
    await this.#write(zone, records);
    this.#signal('SIGHUP', false);
  }

  /** Questions are no longer answered, and nothing says so. */
  freeze(): void {
    this.#signal('SIGSTOP', true);
  }

  thaw(): void {
    this.#signal('SIGCONT', true);
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child !== undefined && child.exitCode === null) {
      const ended = once(child, 'exit');
      this.thaw();
      this.#signal('SIGTERM', false);
      await ended;
    }
    await this.#keeper.dismiss();
    await rm(this.#directory, { recursive: true, force: true });
  }

  #signal(signal: NodeJS.Signals, toAll: boolean): void {
    const pid = this.#child?.pid;
    if (pid !== undefined) process.kill(toAll ? -pid : pid, signal);
  }

  async #write(zone: string, records: string): Promise<void> {
    const head = `$ORIGIN ${zone}.\n$TTL 300\n@ SOA ns root ${this.#serial++} 3600 600 86400 90\n@ NS ns\nns A 127.0.0.1\n`;
    await writeFile(join(this.#directory, `${zone}.zone`), `${head}${records}\n`);
  }
}

/** Answers when this resolves. */
export async function startDns(zones: Zones): Promise<Dns> {
  const directory = await mkdtemp(join(tmpdir(), 'postpace-dns-'));
  const dns = new Dns(directory, await freePort());
  await dns.start(zones);
  return dns;
}

function configuration(directory: string, port: number, zones: readonly string[]): string {
  const server = `server:
  ip-address: 127.0.0.1@${port}
  username: ""
  zonesdir: "${directory}"
  database: ""
  pidfile: "${directory}/nsd.pid"
  xfrdfile: "${directory}/xfrd.state"
  xfrdir: "${directory}"
  zonelistfile: "${directory}/zone.list"
  server-count: 1
  verbosity: 1
remote-control:
  control-enable: no
`;
  return (
    server + zones.map((zone) => `zone:\n  name: "${zone}"\n  zonefile: "${zone}.zone"\n`).join('')
  );
}
