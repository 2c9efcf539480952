/** What the demo is asked for on its command line. */
import { parseArgs } from 'node:util';

export interface DemoOptions {
  /** Recipients of the `@all`, one mail each. */
  readonly mails: number;
  /** The same burst with no postpace beside Postfix. */
  readonly without: boolean;
}

/** The most mails: beyond it this one machine, which plays everyone, is the limit. */
const MOST_MAILS = 5000;

/** Throws a SyntaxError that says what is wrong. */
export function demoOptions(argv: readonly string[]): DemoOptions {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...argv],
      options: { mails: { type: 'string', default: '1000' }, without: { type: 'boolean' } },
    }));
  } catch (error) {
    throw new SyntaxError(error instanceof Error ? error.message : String(error));
  }
  const mails = Number(values.mails);
  if (!/^\d+$/.test(values.mails) || mails < 1 || mails > MOST_MAILS) {
    throw new SyntaxError(
      `--mails: found '${values.mails}', expected a whole number from 1 to ${MOST_MAILS}`,
    );
  }
  return { mails, without: values.without ?? false };
}
