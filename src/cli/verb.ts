/**
 * How a verb joins the command line: its file exports one Register, made by `verb` or, where it has
 * verbs of its own, by `group`; verbs.ts names it. yargs only parses: what was asked for is run
 * after it, so whatever yargs rejects is a usage error and whatever a verb throws is the verb's.
 */
import type { ArgumentsCamelCase, Argv } from 'yargs';

import type { ExitCode } from './exit.ts';
import type { Shell } from './shell.ts';

/** Options that every verb takes. */
export interface Globals {
  readonly json: boolean;
  readonly config: string | undefined;
  readonly control: string | undefined;
}

export type Run = (shell: Shell) => Promise<ExitCode>;

/** Puts one command into yargs; `chosen` is given what to run when the command line asks for it. */
export type Register = (
  yargs: Argv<Globals>,
  command: string,
  describe: string,
  chosen: (run: Run) => void,
) => Argv<Globals>;

/**
 * A verb. `options` declares its positionals, options and examples; `run` does it, prints, and
 * resolves with the exit code. It may throw ControlError, ConfigError and DaemonUnreachable:
 * main.ts prints those.
 */
export function verb<O extends Globals>(
  options: (yargs: Argv<Globals>) => Argv<O>,
  run: (options: ArgumentsCamelCase<O>, shell: Shell) => Promise<ExitCode>,
): Register {
  return (yargs, command, describe, chosen) =>
    yargs.command(command, describe, options, (args) => {
      chosen((shell) => run(args, shell));
    });
}

/** A verb with verbs of its own: command -> what it does, and its Register. */
export function group(
  verbs: Readonly<Record<string, readonly [describe: string, register: Register]>>,
): Register {
  return (yargs, command, describe, chosen) =>
    yargs.command(command, describe, (inner) => {
      const names = Object.keys(verbs).map((each) => each.split(' ')[0]);
      let grown = inner;
      for (const [name, [what, register]] of Object.entries(verbs)) {
        grown = register(grown, name, what, chosen);
      }
      return grown.demandCommand(1, 1, `${command} needs one of: ${names.join(', ')}`);
    });
}
