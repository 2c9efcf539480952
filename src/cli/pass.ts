import { connect } from './connect.ts';
import { EXIT } from './exit.ts';
import { moment } from './moment.ts';
import { printable } from './printable.ts';
import { operator, say, sayJson } from './shell.ts';
import { verb } from './verb.ts';
import { duration, reason } from './words.ts';

/** The panic switch: mail passes unpaced for a time. */
export const pass = verb(
  (yargs) =>
    yargs
      .positional('provider', { type: 'string', describe: 'Its exact id, as status shows it' })
      .option('all', { type: 'boolean', default: false, describe: 'Every provider' })
      .option('for', {
        type: 'string',
        demandOption: true,
        requiresArg: true,
        // No duration, but what ends it.
        coerce: (text: string) => (text === '0s' ? text : duration('for')(text)),
        describe: 'How long: 30min, 1h; 0s ends it now',
      })
      .options(reason)
      .check((args) => {
        if (args.all !== (args.provider !== undefined)) return true;
        throw new Error('pass takes either a provider or --all');
      })
      .example('$0 pass --all --for 1h', 'the panic switch: no mail waits, whatever the limits')
      .example('$0 pass utc --for 30min', 'one provider')
      .example('$0 pass --all --for 0s', 'the limits are in force again'),
  async (options, shell) => {
    const daemon = await connect(options, shell);
    const by = operator(shell);
    const answer = await daemon.pass(options.provider, by, options.for, options.reason);
    if (options.json) {
      sayJson(shell, answer);
      return EXIT.ok;
    }
    const whose = options.provider === undefined ? 'All mail' : `Mail to ${options.provider}`;
    const now = shell.nowMs();
    say(
      shell,
      printable(
        answer.until <= now
          ? `${whose} is paced again.`
          : `${whose} passes unpaced until ${moment(answer.until, now)}.`,
      ),
    );
    return EXIT.ok;
  },
);
