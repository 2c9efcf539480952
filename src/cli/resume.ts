import { connect } from './connect.ts';
import { EXIT } from './exit.ts';
import { moment } from './moment.ts';
import { printable } from './printable.ts';
import { limitsNote } from './provider-text.ts';
import { operator, say, sayJson } from './shell.ts';
import { verb } from './verb.ts';
import { provider, reason } from './words.ts';

/** Ends a suspension, or a pass; what waits leaves at pace, not at once. */
export const resume = verb(
  (yargs) =>
    provider(yargs)
      .options(reason)
      .example('$0 resume outlook', 'what waits leaves at its pace, not all at once'),
  async (options, shell) => {
    const daemon = await connect(options, shell);
    const report = await daemon.resume(options.provider, operator(shell), options.reason);
    if (options.json) {
      sayJson(shell, report);
      return EXIT.ok;
    }
    const now = shell.nowMs();
    const last =
      report.lastRelease === null ? '' : `; the last one leaves ${moment(report.lastRelease, now)}`;
    say(
      shell,
      printable(
        `${report.provider} goes on: ${limitsNote(report, now)}, ${report.held} held${last}.`,
      ),
    );
    return EXIT.ok;
  },
);
