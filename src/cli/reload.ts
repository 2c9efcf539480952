import { connect } from './connect.ts';
import { EXIT } from './exit.ts';
import { say, sayJson } from './shell.ts';
import { verb } from './verb.ts';

/** The same as SIGHUP, but with an answer: a bad file is refused and the old one stays in force. */
export const reload = verb(
  (yargs) => yargs.example('$0 config check && $0 reload', 'look at the file first, then use it'),
  async (options, shell) => {
    await (await connect(options, shell)).reload();
    if (options.json) sayJson(shell, { reloaded: true });
    else say(shell, 'The configuration was read again and is in force.');
    return EXIT.ok;
  },
);
