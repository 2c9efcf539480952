/** Options and positionals that several verbs take, so that they read the same everywhere. */
import type { Argv } from 'yargs';

export const reason = {
  reason: {
    type: 'string',
    requiresArg: true,
    describe: 'Kept in the history, shown by status and explain',
  },
} as const;

/** The one provider that a verb is about. */
export function provider<T>(yargs: Argv<T>) {
  return yargs.positional('provider', {
    type: 'string',
    demandOption: true,
    describe: 'Its exact id, as status shows it',
  });
}

/** Reads an integer of at least 1; what it throws, yargs shows as a usage error. */
export function count(option: string) {
  return (text: string): number => {
    if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
    throw new Error(`--${option} takes a whole number of at least 1, not ${JSON.stringify(text)}`);
  };
}
