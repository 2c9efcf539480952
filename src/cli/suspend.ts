import { connect } from './connect.ts';
import { EXIT } from './exit.ts';
import { until } from './moment.ts';
import { printable } from './printable.ts';
import { operator, say, sayJson } from './shell.ts';
import { verb } from './verb.ts';
import { duration, provider, reason } from './words.ts';

/** Stops a provider: its mail waits, all other mail flows. */
export const suspend = verb(
  (yargs) =>
    provider(yargs)
      .option('for', {
        type: 'string',
        requiresArg: true,
        coerce: duration('for'),
        describe: 'Ends by itself after this time: 30min, 2h, 1d; without, resume ends it',
      })
      .options(reason)
      .example('$0 suspend outlook --for 2h --reason "S3150, form sent"', ''),
  async (options, shell) => {
    const daemon = await connect(options, shell);
    const by = operator(shell);
    const report = await daemon.suspend(options.provider, by, options.for, options.reason);
    if (options.json) {
      sayJson(shell, report);
      return EXIT.ok;
    }
    const end = until(report.suspended?.until ?? null, shell.nowMs());
    say(
      shell,
      printable(
        `${report.provider} is suspended ${end}. Its mail waits (${report.held} held now), ` +
          `all other mail flows. To end it: postpace resume ${report.provider}`,
      ),
    );
    return EXIT.ok;
  },
);
