/** Options and positionals that several verbs take, so that they read the same everywhere. */
import type { Argv } from 'yargs';

import { parseDurationUs, parseRate } from '../limit/rate.ts';

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
    once(option, text);
    if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
    throw new Error(`--${option} takes a whole number of at least 1, not ${JSON.stringify(text)}`);
  };
}

/** Lets a rate through as it is written: `20/min`. */
export function rate(option: string) {
  return (text: string): string => checked(option, text, parseRate);
}

/** Lets a duration through as it is written: `2h`. */
export function duration(option: string) {
  return (text: string): string => checked(option, text, parseDurationUs);
}

/** The daemon reads the text itself; here a mistake is found before it is asked. */
function checked(option: string, text: string, parse: (text: string) => unknown): string {
  once(option, text);
  try {
    parse(text);
    return text;
  } catch (error) {
    throw new Error(`--${option}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

/** yargs makes a list of an option that is given twice, whatever its type says. */
function once(option: string, text: unknown): void {
  if (Array.isArray(text)) throw new Error(`--${option} is given twice`);
}
