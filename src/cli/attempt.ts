import { EXIT, type ExitCode } from './exit.ts';
import { printable } from './printable.ts';
import { complain, type Shell } from './shell.ts';

/**
 * Runs work on files and commands of the system. What those refuse (a plain Error, an error with a
 * code like EACCES) is printed as a sentence and fails the verb; anything else is a bug and goes on.
 */
export async function attempt(shell: Shell, work: () => Promise<ExitCode>): Promise<ExitCode> {
  try {
    return await work();
  } catch (error) {
    const refused = error instanceof Error && (error.constructor === Error || 'code' in error);
    if (!refused || error.name === 'ConfigError') throw error;
    complain(shell, printable(`postpace: ${error.message}`));
    return EXIT.failure;
  }
}
