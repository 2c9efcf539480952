/** Child processes: running one to its end, asking whether one lives, ending one by its id. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface CommandResult {
  /** Exit status; 128 + signal number is not used: a signal gives -1. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Runs a command without a shell. Rejects only when it can't be started. */
export function command(
  argv: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const [program, ...args] = argv;
  if (program === undefined) throw new Error('command: an empty argv');
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.on('error', reject);
    child.on('close', (code) =>
      resolve({
        code: code ?? -1,
        stdout: Buffer.concat(out).toString(),
        stderr: Buffer.concat(err).toString(),
      }),
    );
    // A program that does not read its input closes the pipe: that is no failure of ours.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
  });
}

/**
 * Runs a program that leaves a daemon behind; resolves with its exit status. Its output is not
 * read: the daemon would hold the pipes open.
 */
export function launch(argv: readonly string[], env: Record<string, string>): Promise<number> {
  const [program = '', ...args] = argv;
  const child = spawn(program, args, { stdio: 'ignore', env: { ...process.env, ...env } });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? -1));
  });
}

/** false also for a zombie: a bare container's init may never reap one. */
export function isAlive(pid: number): boolean {
  return stat(pid) !== undefined;
}

/**
 * Ends a process group by its leader: SIGTERM to the leader, after graceMs SIGKILL to all that are
 * left. Resolves when no member lives (a child may still hold its parent's sockets).
 */
export async function terminateGroup(leader: number, graceMs = 10_000): Promise<void> {
  const until = performance.now() + graceMs;
  signal(leader, 'SIGTERM');
  for (let members = membersOf(leader); members.length > 0; members = membersOf(leader)) {
    if (performance.now() > until) for (const pid of members) signal(pid, 'SIGKILL');
    await sleep(10);
  }
}

function membersOf(leader: number): readonly number[] {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
  return pids.filter((pid) => stat(pid)?.group === leader);
}

interface Stat {
  readonly state: string;
  readonly group: number;
}

/** undefined: gone, or a zombie. */
function stat(pid: number): Stat | undefined {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command's name, in parentheses, may hold anything: state, parent and group follow it.
    const [state = 'X', , group] = line.slice(line.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' || state === 'X' ? undefined : { state, group: Number(group) };
  } catch {
    return undefined;
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended by itself in the meantime.
  }
}
