/**
 * `postmap -q`, asked again and again. Starting a process costs ours some 10 ms in which it does
 * nothing else (fork(2) copies its page tables), so a small shell of our own starts them.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';
import { failure } from './command.ts';

const LONGEST_MS = 10_000;
/** A shell that was not asked for so long ends. */
const IDLE_MS = 60_000;
/** Begins the line behind an answer, with the exit status. */
const END = '\u0001';
/** Reads keys, a line each, and an empty line behind them. $1 and $2: directory and table. */
const SCRIPT = `
keys=
while IFS= read -r key; do
  if [ -n "$key" ]; then
    keys="$keys$key
"
  else
    printf %s "$keys" | postmap -c "$1" -q - "$2" 2>&1
    printf '\\001%s\\n' "$?"
    keys=
  fi
done`;

interface Pending {
  readonly resolve: (answer: ReadonlyMap<string, string>) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/** One table, one question at a time. */
export class Postmap {
  readonly #argv: readonly string[];
  readonly #place: readonly [directory: string, table: string];
  #shell: ChildProcess | undefined;
  #output = '';
  #pending: Pending | undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor(configDirectory: string, table: string) {
    // proxymap's socket is Postfix's own; the table behind it answers as well, where we may read it.
    this.#place = [configDirectory, table.replace(/^(?:proxy:)+/, '')];
    this.#argv = ['postmap', '-c', configDirectory, '-q', '-', this.#place[1]];
  }

  /** The values of those keys that the table has. Rejects when it can't be read. */
  ask(keys: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return new Promise((resolve, reject) => {
      clearTimeout(this.#idle);
      const shell = (this.#shell ??= this.#start());
      const timer = setTimeout(() => this.#giveUp(shell), LONGEST_MS);
      this.#pending = { resolve, reject, timer };
      keep(shell, true);
      // An empty key would end the question, and a line break would be two keys; no domain is so.
      const lines = keys.filter((key) => /^[^\r\n]+$/.test(key)).map((key) => `${key}\n`);
      shell.stdin?.write(`${lines.join('')}\n`);
    });
  }

  /** A group of its own, so that a postmap that hangs ends with the shell. */
  #start(): ChildProcess {
    const shell = spawn('sh', ['-c', SCRIPT, 'postmap', ...this.#place], {
      stdio: 'pipe',
      detached: true,
    });
    this.#output = '';
    shell.on('error', (error) => this.#lose(shell, error.message));
    // There are no streams when no more files may be open; the error is told then.
    shell.stdout?.setEncoding('utf8').on('data', (text: string) => {
      if (this.#shell === shell) this.#take(shell, text);
    });
    // What is written to a shell that is gone fails here; its end is told separately.
    shell.stdin?.on('error', () => undefined);
    shell.stderr?.resume();
    shell.on('close', (code, signal) => this.#lose(shell, `ended with ${signal ?? code}`));
    return shell;
  }

  #take(shell: ChildProcess, text: string): void {
    this.#output += text;
    const end = this.#output.lastIndexOf(END);
    if (end < 0 || !this.#output.endsWith('\n')) return;
    const answer = this.#output.slice(0, end);
    const status = Number(this.#output.slice(end + END.length));
    this.#output = '';
    keep(shell, false);
    this.#idle = setTimeout(() => this.#end(shell), IDLE_MS).unref();
    const pending = this.#settle();
    // Nothing found is exit 1 as well, but without a word.
    if (status === 0 || (status === 1 && answer === '')) pending?.resolve(readAnswer(answer));
    else pending?.reject(this.#failure(status === 127 ? 'ENOENT' : `exit ${status}`, answer));
  }

  #end(shell: ChildProcess): void {
    if (this.#shell === shell) this.#shell = undefined;
    shell.stdin?.end();
  }

  #giveUp(shell: ChildProcess): void {
    this.#lose(shell, `no answer within ${LONGEST_MS / 1000} s`);
    try {
      if (shell.pid !== undefined) process.kill(-shell.pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
    keep(shell, false);
  }

  #lose(shell: ChildProcess, why: string): void {
    if (this.#shell !== shell) return;
    this.#shell = undefined;
    clearTimeout(this.#idle);
    this.#settle()?.reject(this.#failure(why, ''));
  }

  #settle(): Pending | undefined {
    const pending = this.#pending;
    this.#pending = undefined;
    clearTimeout(pending?.timer);
    return pending;
  }

  #failure(reason: string, output: string): Error {
    return new Error(failure(this.#argv, reason, output));
  }
}

/** Whether our process waits for it before it ends. */
function keep(shell: ChildProcess, waits: boolean): void {
  const how = waits ? 'ref' : 'unref';
  shell[how]();
  for (const stream of [shell.stdin, shell.stdout, shell.stderr]) {
    if (stream instanceof Socket) stream[how]();
  }
}

/** `key<TAB>value`, a line each. */
function readAnswer(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const line of text.split('\n')) {
    const tab = line.indexOf('\t');
    if (tab > 0) found.set(line.slice(0, tab), line.slice(tab + 1));
  }
  return found;
}
