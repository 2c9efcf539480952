import { connect } from './connect.ts';
import { EXIT } from './exit.ts';
import { printable } from './printable.ts';
import { columns, say, sayJson } from './shell.ts';
import { verb } from './verb.ts';
import { wrap } from './width.ts';

/** Why a mail waits and until when, or what would happen to mail for an address. */
export const explain = verb(
  (yargs) =>
    yargs
      .positional('query', {
        type: 'string',
        demandOption: true,
        describe: 'A recipient, or a queue id (also one that Postfix has renamed)',
      })
      .example('$0 explain jane@etu.utc.fr', 'her provider, its limits, when mail would leave')
      .example('$0 explain 4cRxYz1abcz2Gk', 'why this one waits, and until when'),
  async (options, shell) => {
    const report = await (await connect(options, shell)).explain(options.query);
    if (options.json) {
      sayJson(shell, report);
      return EXIT.ok;
    }
    const width = columns(shell);
    const lines = report.sentences.flatMap((sentence) => wrap(printable(sentence), width));
    say(shell, lines.join('\n'));
    return EXIT.ok;
  },
);
