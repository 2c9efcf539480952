/** postpace as it is installed, a process of its own, beside a private Postfix. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import type { ControlTarget } from '../src/control/api.ts';
import { controlClient } from '../src/control/client.ts';
import type { PrivatePostfix } from './postfix.ts';
import { command, type CommandResult } from './process.ts';
import { waitFor } from './wait.ts';

/** As systemd/postpace.service has it. */
const NODE_OPTIONS = [
  '--max-semi-space-size=2',
  '--heap-growing-percent=20',
  '--initial-old-space-size=32',
  '--no-parallel-scavenge',
  '--no-parallel-compaction',
  '--no-parallel-pointer-update',
];
const MAIN = fileURLToPath(new URL('../src/main.js', import.meta.url));

/** The milter line of the documentation: with postpace down, mail is taken and held. */
export const MILTER =
  '{ unix:postpace/milter.sock, connect_timeout=2s, command_timeout=5s, content_timeout=8s, ' +
  'default_action=quarantine }';

/** What a verb of the command line said. */
export interface Told extends CommandResult {
  /** The output parsed; throws when the verb failed or said something else than JSON. */
  json(): unknown;
}

export class Postpace {
  readonly configFile: string;
  readonly stateDir: string;
  readonly controlSocket: string;
  /** Lines of its log, all runs of it. */
  readonly log: string[] = [];
  /** The control socket, asked directly: cheaper than a command. */
  readonly control: ControlTarget;
  readonly #postfix: PrivatePostfix;
  #child: ChildProcess | undefined;

  constructor(postfix: PrivatePostfix) {
    this.#postfix = postfix;
    this.configFile = join(postfix.directory, 'postpace.yaml');
    this.stateDir = join(postfix.directory, 'state');
    this.controlSocket = join(postfix.directory, 'control.sock');
    this.control = controlClient(this.controlSocket);
  }

  /** Writes the configuration: the places of this instance, and what is given. No reload. */
  async configure(config: Readonly<Record<string, unknown>>): Promise<void> {
    const { configDirectory, queueDirectory, logFile } = this.#postfix;
    const places = {
      listen: `unix:${queueDirectory}/postpace/milter.sock`,
      state_dir: this.stateDir,
      control: this.controlSocket,
      postfix: {
        config_directory: configDirectory,
        release: ['postsuper', '-c', configDirectory, '-H', '-'],
        hold: ['postsuper', '-c', configDirectory, '-h', '-', 'deferred'],
      },
      feedback: { log: logFile, ...section(config['feedback']) },
      // Nobody is asked on the net for the domains of a test.
      dns: { group_by_mx: false },
    };
    const { feedback: _, ...others } = config;
    await writeFile(this.configFile, stringify({ ...places, ...others }));
  }

  /** Starts the daemon and waits until it answers; rejects with its last words if it ends. */
  async start(): Promise<void> {
    const argv = [...NODE_OPTIONS, MAIN, 'serve', '--config', this.configFile];
    const child = spawn(process.execPath, argv, {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    if (child.pid !== undefined) this.#postfix.keeper.pid(child.pid);
    for (const stream of [child.stdout, child.stderr]) {
      let rest = '';
      stream.setEncoding('utf8');
      stream.on('data', (chunk: string) => {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop() ?? '';
        this.log.push(...lines);
      });
    }
    const ready = async () => {
      if (!this.running) throw new Error(`postpace ended: ${this.log.slice(-12).join('\n')}`);
      const { pid } = await this.control.status().catch(() => ({ pid: 0 }));
      return pid === child.pid;
    };
    await waitFor(ready, { what: 'postpace to answer' });
  }

  get running(): boolean {
    const child = this.#child;
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  get pid(): number | undefined {
    return this.running ? this.#child?.pid : undefined;
  }

  /** The command line: `cli('status', 'utc', '--json')`. */
  async cli(...args: readonly string[]): Promise<Told> {
    const told = await command([process.execPath, MAIN, ...args, '--config', this.configFile]);
    return {
      ...told,
      json() {
        if (told.code === 0) return JSON.parse(told.stdout);
        throw new Error(`postpace ${args.join(' ')}: exit ${told.code}: ${told.stderr}`);
      },
    };
  }

  /** Sends a signal; resolves when the process has ended, at once for one that lets it live. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined || !this.running) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    if (['SIGKILL', 'SIGTERM', 'SIGINT'].includes(signal)) await ended;
  }

  /** A clean stop and a start over the same state. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** A clean stop; after SIGSTOP too. */
  async stop(): Promise<void> {
    await this.kill('SIGCONT');
    await this.kill('SIGTERM');
  }
}

function section(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}

/**
 * Starts postpace beside the instance, which should have MILTER among its milters. `config`: keys
 * of postpace.yaml beside the places. Stop it before the Postfix.
 */
export async function startPostpace(
  postfix: PrivatePostfix,
  config: Readonly<Record<string, unknown>> = {},
): Promise<Postpace> {
  const postpace = new Postpace(postfix);
  await mkdir(postpace.stateDir, { recursive: true });
  const place = join(postfix.queueDirectory, 'postpace');
  if (!existsSync(place)) await mkdir(place);
  // Set-group-ID: the socket has Postfix's group, so that its daemons may connect.
  await chown(place, 0, Number((await command(['id', '-g', 'postfix'])).stdout));
  await chmod(place, 0o2750);
  await postpace.configure(config);
  await postpace.start();
  return postpace;
}
