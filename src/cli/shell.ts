import { userInfo } from 'node:os';

import type { ExitCode } from './exit.ts';

/** What a verb has of the world: streams, environment and the time. main.ts makes the real one. */
export interface Shell {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
  /** Runs the daemon in this process; resolves with its exit code. */
  readonly runDaemon: (options: { readonly configFile?: string }) => Promise<ExitCode>;
}

/** One or more lines of the answer, to standard output. */
export function say(shell: Shell, text: string): void {
  shell.stdout.write(`${text}\n`);
}

/** Something that is not the answer (an error, a plan, a question), to standard error. */
export function complain(shell: Shell, text: string): void {
  shell.stderr.write(`${text}\n`);
}

/**
 * A JSON document. C1 controls, line separators and bidirectional overrides are escaped too:
 * addresses and replies come from strangers, and a terminal obeys some of those.
 */
export function json(value: unknown, indent: 0 | 2): string {
  return JSON.stringify(value, null, indent).replace(
    /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** The answer as one JSON document. */
export function sayJson(shell: Shell, value: unknown): void {
  say(shell, json(value, 2));
}

/** Columns to fit the text into; Infinity where nobody looks (a pipe or file, no COLUMNS set). */
export function columns(shell: Shell): number {
  if (shell.stdout.isTTY && shell.stdout.columns > 0) return shell.stdout.columns;
  const fromEnv = Number(shell.env['COLUMNS']);
  return Number.isInteger(fromEnv) && fromEnv >= 20 ? fromEnv : Number.POSITIVE_INFINITY;
}

/** Colour only for a terminal, and not where NO_COLOR is set (no-color.org) or TERM is dumb. */
export function colourful(shell: Shell): boolean {
  return shell.stdout.isTTY && !shell.env['NO_COLOR'] && shell.env['TERM'] !== 'dumb';
}

/** Who asks, for the history: the user behind sudo, else the user of this process. */
export function operator(shell: Shell): string {
  const sudo = shell.env['SUDO_USER'];
  if (sudo) return sudo;
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
