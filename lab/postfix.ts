/**
 * A private Postfix: own directories, own port on loopback, own log, several side by side, never
 * anything of the system's instance. Postfix's master must be started by root.
 */
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startKeeper, type Keeper } from './keeper.ts';
import { freePort, isFree } from './port.ts';
import { layout, transportMap, type Layout, type PostfixOptions } from './postfix-files.ts';
import { age, lay, mustBeReachable } from './postfix-directory.ts';
import {
  command,
  launch,
  terminateGroup,
  type CommandOptions,
  type CommandResult,
} from './process.ts';
import { waitFor, type WaitOptions } from './wait.ts';

/** One object of `postqueue -j`. */
export interface QueueEntry {
  readonly queue_name: string;
  readonly queue_id: string;
  readonly arrival_time: number;
  readonly message_size: number;
  readonly sender: string;
  readonly recipients: readonly { readonly address: string; readonly delay_reason?: string }[];
}

export class PrivatePostfix {
  readonly directory: string;
  readonly configDirectory: string;
  readonly queueDirectory: string;
  readonly logFile: string;
  readonly port: number;
  /** For lab files that put more processes or files under the same care. */
  readonly keeper: Keeper;
  readonly #mailDirectory: string;
  readonly #daemonDirectory: string;

  constructor(at: Layout, daemonDirectory: string, keeper: Keeper) {
    this.directory = at.directory;
    this.configDirectory = at.configDirectory;
    this.queueDirectory = at.queueDirectory;
    this.logFile = at.logFile;
    this.port = at.port;
    this.keeper = keeper;
    this.#mailDirectory = at.mailDirectory;
    this.#daemonDirectory = daemonDirectory;
  }

  /** Runs `NAME -c DIRECTORY ARGS`, for sendmail `-C`: postqueue, postsuper, postconf, postcat … */
  command(argv: readonly string[], options?: CommandOptions): Promise<CommandResult> {
    const [name = '', ...args] = argv;
    const flag = name === 'sendmail' ? '-C' : '-c';
    return command([name, flag, this.configDirectory, ...args], options);
  }

  /** The whole queue; filter by queue_name (`hold`, `deferred`, …). */
  async postqueue(): Promise<readonly QueueEntry[]> {
    const { code, stdout, stderr } = await this.command(['postqueue', '-j']);
    if (code !== 0) throw new Error(`postqueue -j: exit ${code}: ${stderr}`);
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map(queueEntry);
  }

  async log(): Promise<string> {
    return readFile(this.logFile, 'utf8');
  }

  /** The messages that were delivered to a local address, unordered. */
  async mailbox(address: string): Promise<readonly string[]> {
    const folder = join(this.#mailDirectory, 'all', 'new');
    if (!existsSync(folder)) return [];
    const names = await readdir(folder);
    const messages = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
    const mark = `delivered-to: ${address.toLowerCase()}\n`;
    return messages.filter((message) => message.toLowerCase().includes(mark));
  }

  /** Replaces the transport map; takes a reload, which this does. */
  async route(routes: Readonly<Record<string, number | string>>): Promise<void> {
    await writeFile(join(this.configDirectory, 'transport'), transportMap(routes));
    await age(this.configDirectory);
    await this.reload();
  }

  /** postconf -e, without a reload. */
  async set(settings: Readonly<Record<string, string>>): Promise<void> {
    const pairs = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
    await this.#must(['postconf', '-e', ...pairs]);
    await age(this.configDirectory);
  }

  async reload(): Promise<void> {
    await this.#must(['postfix', 'reload']);
  }

  /** The master's process id while it runs. */
  get pid(): number | undefined {
    try {
      const pid = Number(readFileSync(`${this.queueDirectory}/pid/master.pid`, 'latin1').trim());
      // The file outlives its process, and the number may be another's by now.
      return readlinkSync(`/proc/${pid}/cwd`) === this.queueDirectory ? pid : undefined;
    } catch {
      return undefined;
    }
  }

  /** Ends the daemon and keeps everything on disk, for start(). */
  async halt(): Promise<void> {
    const pid = this.pid;
    if (pid !== undefined) await terminateGroup(pid);
  }

  /** Starts the daemon; rejects with what Postfix logged when it does not come up. */
  async start(): Promise<void> {
    const master = join(this.#daemonDirectory, 'master');
    const env = { MAIL_CONFIG: this.configDirectory };
    if ((await launch([master, '-c', this.configDirectory, '-w'], env)) === 0) return;
    // master logs through a service that it has not started yet: others must say what is wrong.
    const said: string[] = [];
    for (const asked of [
      ['postconf', '-M'],
      ['postfix', 'check'],
    ]) {
      said.push((await this.command(asked)).stderr);
    }
    throw new Error(`Postfix did not start: ${said.join('').trim()}`);
  }

  async restart(): Promise<void> {
    await this.halt();
    await this.start();
  }

  /** Ends the daemon and removes the directory; nothing is left. */
  async stop(): Promise<void> {
    await this.halt();
    await rm(this.directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    await this.keeper.dismiss();
  }

  waitFor<T>(
    predicate: (postfix: this) => T | Promise<T>,
    options?: WaitOptions,
  ): Promise<NonNullable<T>> {
    return waitFor(() => predicate(this), options);
  }

  /** Resolves when the queue has no message outside hold; default 30 s. */
  async idle(options: WaitOptions = {}): Promise<void> {
    const busy = async () =>
      (await this.postqueue()).every(({ queue_name }) => queue_name === 'hold');
    await waitFor(busy, { everyMs: 100, what: 'an empty queue', ...options });
  }

  async #must(argv: readonly string[]): Promise<void> {
    const { code, stderr } = await this.command(argv);
    if (code !== 0) throw new Error(`${argv.join(' ')}: exit ${code}: ${stderr}`);
  }
}

function queueEntry(line: string): QueueEntry {
  const entry: unknown = JSON.parse(line);
  if (!isQueueEntry(entry)) throw new Error(`postqueue -j: not a queue entry: ${line}`);
  return entry;
}

function isQueueEntry(value: unknown): value is QueueEntry {
  return typeof value === 'object' && value !== null && 'queue_id' in value;
}

/** Starts a private instance. Rejects with a sentence when Postfix is missing or we are not root. */
export async function startPostfix(options: PostfixOptions = {}): Promise<PrivatePostfix> {
  const daemonDirectory = await findDaemons();
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const directory = await mkdtemp(join(tmpdir(), 'postpace-lab-'));
    const at = layout(directory, port);
    const keeper = startKeeper(directory);
    keeper.pidFile(`${at.queueDirectory}/pid/master.pid`);
    const postfix = new PrivatePostfix(at, daemonDirectory, keeper);
    try {
      await mustBeReachable(directory);
      await lay(at, options);
      await postfix.start();
      return postfix;
    } catch (error) {
      await postfix.stop();
      // Another process may have taken the port in the meantime.
      if (attempt === 3 || (await isFree(port))) throw error;
    }
  }
}

async function findDaemons(): Promise<string> {
  if (process.getuid?.() !== 0) {
    throw new Error('a private Postfix needs root: its master starts as root and drops rights');
  }
  const asked = await command(['postconf', '-dh', 'daemon_directory']).catch(() => undefined);
  if (asked === undefined || asked.code !== 0) {
    throw new Error('Postfix is not installed: no postconf in PATH (apt-get install postfix)');
  }
  return asked.stdout.trim();
}
