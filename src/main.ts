#!/usr/bin/env node
/** The program: reads the command line, runs the verb, turns its errors into exit codes. */
import { readCommandLine } from './cli/command-line.ts';
import { EXIT, type ExitCode } from './cli/exit.ts';
import { complain, say, type Shell } from './cli/shell.ts';
import { printable } from './cli/printable.ts';

const shell: Shell = {
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  nowMs: Date.now,
  runDaemon: async (options) => (await import('./daemon.ts')).runDaemon(options),
};

/** `postpace … | head` ends without a word: nobody reads on, and that is no failure. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  throw error;
});
process.stderr.on('error', () => undefined);

async function main(argv: readonly string[]): Promise<ExitCode> {
  const asked = await readCommandLine(argv, shell.stdout.columns ?? 80);
  switch (asked.kind) {
    case 'text':
      say(shell, asked.text);
      return EXIT.ok;
    case 'usage':
      complain(shell, `postpace: ${printable(asked.message)}`);
      return EXIT.usage;
    case 'run':
      try {
        return await asked.run(shell);
      } catch (error) {
        return explainError(error);
      }
    default:
      return asked satisfies never;
  }
}

/** Errors that a verb may end with, by name: their classes are not loaded for every verb. */
function explainError(error: unknown): ExitCode {
  if (!(error instanceof Error)) throw error;
  const exits: Readonly<Record<string, ExitCode>> = {
    ControlError: EXIT.failure,
    DaemonUnreachable: EXIT.unreachable,
    ConfigError: EXIT.configuration,
  };
  const exit = exits[error.name];
  if (exit === undefined) throw error;
  complain(shell, `postpace: ${printable(error.message)}`);
  return exit;
}

process.exitCode = await main(process.argv.slice(2));
