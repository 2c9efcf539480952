/** What the demo is asked for on its command line. */
import { parseArgs } from 'node:util';

export interface DemoOptions {
  /** Recipients of the `@all`, one mail each. */
  readonly mails: number;
  /** The same burst with no postpace beside Postfix. */
  readonly without: boolean;
  /** Hours of the feedback demo; undefined: the burst is played. */
  readonly feedbackHours: number | undefined;
}

/** The most mails: beyond it this one machine, which plays everyone, is the limit. */
const MOST_MAILS = 5000;

/** Two and a half minutes; the most is half an hour. */
const HOURS = '60';
const MOST_HOURS = 720;

/** Throws a SyntaxError that says what is wrong. */
export function demoOptions(argv: readonly string[]): DemoOptions {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...argv],
      options: {
        mails: { type: 'string', default: '1000' },
        without: { type: 'boolean' },
        feedback: { type: 'boolean' },
        hours: { type: 'string', default: HOURS },
      },
    }));
  } catch (error) {
    throw new SyntaxError(error instanceof Error ? error.message : String(error));
  }
  const mails = whole('--mails', values.mails, MOST_MAILS);
  const hours = whole('--hours', values.hours, MOST_HOURS);
  const feedbackHours = values.feedback === true ? hours : undefined;
  return { mails, without: values.without ?? false, feedbackHours };
}

function whole(option: string, text: string, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= most) return value;
  throw new SyntaxError(`${option}: found '${text}', expected a whole number from 1 to ${most}`);
}
