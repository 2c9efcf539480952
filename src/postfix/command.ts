/**
 * Runs a command of Postfix to its end. Commands are executed, never given to a shell.
 */
import { execFile } from 'node:child_process';

/** Far more than any of them takes; a hung command must not hang the daemon. */
const LONGEST_MS = 30_000;

/**
 * Standard output of the command. Rejects with an Error that names the command, and says how it
 * ended and what it wrote to standard error.
 */
export function runCommand(argv: readonly string[], input = ''): Promise<string> {
  const [file = '', ...rest] = argv;
  return new Promise((resolve, reject) => {
    const child = execFile(
      file,
      rest,
      { timeout: LONGEST_MS, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Error(failure(argv, error.message, stderr), { cause: error }));
      },
    );
    // A command that ends before it has read everything says why itself.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}

/** `postconf -x: command not found`, `postqueue -j: postqueue: fatal: …`. */
export function failure(argv: readonly string[], reason: string, stderr: string): string {
  const said = stderr.trim().split('\n').slice(-3).join('; ');
  const why = reason.includes('ENOENT') ? 'command not found' : said === '' ? reason : said;
  return `${argv.join(' ')}: ${why}`;
}
