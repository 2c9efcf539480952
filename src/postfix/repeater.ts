/**
 * Runs one command again and again, by way of a shell that stays. To start a process costs the one
 * that starts it time by its own memory, some 20 ms for a daemon that knows 100,000 destinations,
 * in which nobody is answered; a shell has next to none. The command is its arguments, never text
 * that it reads.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { finished } from 'node:stream/promises';
import { failure } from './command.ts';

/** The line that tells how the command ended begins on its own, whatever the command wrote last. */
const SCRIPT = String.raw`while read -r _; do "$@"; printf '\nend %s\n' "$?"; done`;
const END = /^end (\d+)$/;
/** What a shell says of a command that is not there. */
const NOT_FOUND = '127';

export class Repeater {
  readonly #argv: readonly string[];
  #idle: Shell | undefined;

  constructor(argv: readonly string[]) {
    this.#argv = argv;
  }

  /**
   * Runs the command once; its lines, a piece at a time, empty ones left out. Throws an Error that
   * names the command, and says what it wrote to standard error, when it does not end with 0.
   */
  async *lines(): AsyncGenerator<readonly string[]> {
    const shell = this.#idle?.isAlive === true ? this.#idle : new Shell(this.#argv);
    this.#idle = undefined;
    let isWhole = false;
    try {
      yield* shell.run();
      isWhole = true;
    } finally {
      if (isWhole) this.#idle = shell;
      else shell.kill();
    }
  }
}

class Shell {
  readonly #argv: readonly string[];
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #chunks: AsyncIterator<string>;
  #stderr = '';

  constructor(argv: readonly string[]) {
    this.#argv = argv;
    // A group of its own: with the shell ends what it runs.
    this.#child = spawn('/bin/sh', ['-c', SCRIPT, 'sh', ...argv], { detached: true });
    const { stdin, stdout, stderr } = this.#child;
    this.#child.on('error', () => undefined);
    stdin.on('error', () => undefined);
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-4096);
    });
    stdout.setEncoding('utf8');
    this.#chunks = stdout[Symbol.asyncIterator]();
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async *run(): AsyncGenerator<readonly string[]> {
    this.#keepsUsUp(true);
    this.#stderr = '';
    this.#child.stdin.write('\n');
    let rest = '';
    for (;;) {
      const { value, done } = await this.#chunks.next();
      if (done === true) throw await this.#failed('its shell ended');
      const lines = (rest + value).split('\n');
      rest = lines.pop() ?? '';
      const [, how] = END.exec(lines.at(-1) ?? '') ?? [];
      yield lines.filter((line) => line !== '' && !END.test(line));
      if (how === undefined) continue;
      if (how !== '0') throw await this.#failed(how === NOT_FOUND ? 'ENOENT' : `ended with ${how}`);
      this.#keepsUsUp(false);
      return;
    }
  }

  /** With it ends what it runs. */
  kill(): void {
    const { pid } = this.#child;
    if (pid === undefined || !this.isAlive) return;
    try {
      process.kill(-pid);
    } catch {
      // It has just ended.
    }
  }

  /** When all was read that it had to say. */
  async #failed(how: string): Promise<Error> {
    this.#child.stdin.end();
    await finished(this.#child.stderr).catch(() => undefined);
    return new Error(failure(this.#argv, how, this.#stderr));
  }

  /** A shell that waits is no reason for a process not to end: it ends with it. */
  #keepsUsUp(isBusy: boolean): void {
    const { stdin, stdout, stderr } = this.#child;
    const streams = [stdin, stdout, stderr].filter((stream) => stream instanceof Socket);
    for (const one of [this.#child, ...streams]) {
      if (isBusy) one.ref();
      else one.unref();
    }
  }
}
