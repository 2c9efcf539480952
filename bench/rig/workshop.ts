/**
 * Where a bench works: a temporary directory of its own, C programs compiled into it, processes
 * that end with it. However the bench ends, nothing is left.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { startKeeper, type Keeper } from '../../lab/keeper.ts';
import { command } from '../../lab/process.ts';
import { waitFor } from '../../lab/wait.ts';

export class Workshop {
  readonly directory: string;
  readonly #keeper: Keeper;
  readonly #children: ChildProcess[] = [];

  private constructor(directory: string, keeper: Keeper) {
    this.directory = directory;
    this.#keeper = keeper;
  }

  static async open(): Promise<Workshop> {
    const directory = await mkdtemp(join(tmpdir(), 'postpace-bench-'));
    // Postfix's own user must get at the sockets in it.
    await chmod(directory, 0o755);
    return new Workshop(directory, startKeeper(directory));
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  /** Compiles bench/NAME.c; gives the program's path. Rejects with what gcc said. */
  async compile(name: string, ...libraries: readonly string[]): Promise<string> {
    const program = this.path(name);
    const source = join(benchFolder(), `${name}.c`);
    const argv = ['gcc', '-O2', '-o', program, source, ...libraries];
    const { code, stderr } = await command(argv);
    if (code !== 0) throw new Error(`${argv.join(' ')}: exit ${code}: ${stderr}`);
    return program;
  }

  /** Starts a process and waits until `socket` is there. Its last words are in the error. */
  async start(argv: readonly string[], socket: string): Promise<number> {
    const [program = '', ...args] = argv;
    const child = spawn(program, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      cwd: this.directory,
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4096);
    });
    const failed = new Promise<never>((_, reject) => child.once('error', reject));
    this.#children.push(child);
    if (child.pid !== undefined) this.#keeper.pid(child.pid);
    const up = waitFor(
      () => {
        if (child.exitCode !== null) throw new Error(`${program} ended: ${said}`);
        return existsSync(socket);
      },
      { what: `${program} to listen` },
    );
    await Promise.race([up, failed]);
    // Postfix runs as another user.
    await chmod(socket, 0o777);
    return child.pid ?? 0;
  }

  async close(): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), 5000);
      await ended;
      clearTimeout(late);
    }
    await rm(this.directory, { recursive: true, force: true });
    await this.#keeper.dismiss();
  }
}

/** The compiled bench lies in an output directory; the C sources are beside the TypeScript ones. */
function benchFolder(): string {
  let root = import.meta.dirname;
  while (!existsSync(join(root, 'bench', 'noop-milter.c'))) {
    if (root === dirname(root)) throw new Error('bench/noop-milter.c is not to be found');
    root = dirname(root);
  }
  return join(root, 'bench');
}
