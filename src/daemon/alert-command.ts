/** Runs the command that is given an alert. It is executed, never given to a shell. */
import { spawn } from 'node:child_process';

/**
 * Resolves when the command has ended with 0. Rejects with an Error that says how it ended, or that
 * it was killed, with all that it had started, after `longestMs`.
 */
export function runAlertCommand(
  argv: readonly string[],
  input: string,
  { longestMs, env }: { readonly longestMs: number; readonly env: NodeJS.ProcessEnv },
): Promise<void> {
  const [file = '', ...rest] = argv;
  return new Promise((resolve, reject) => {
    // A process group of its own, so that what it has started ends with it.
    const child = spawn(file, rest, { env, detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
    const timer = setTimeout(() => {
      end(new Error(`${file}: killed, it took longer than ${longestMs / 1000} s`));
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has just ended by itself.
      }
    }, longestMs);
    const end = (error: Error | undefined): void => {
      clearTimeout(timer);
      if (error === undefined) resolve();
      else reject(error);
    };
    child.on('error', (error) => end(new Error(`${file}: ${error.message}`, { cause: error })));
    child.on('exit', (code, signal) =>
      end(code === 0 ? undefined : new Error(`${file}: ended by ${signal ?? `exit ${code}`}`)),
    );
    // A command need not read what it is given.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}
