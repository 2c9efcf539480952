import yargs, { type Argv } from 'yargs';

import { packageVersion } from '../version.ts';
import { nearest } from './nearest.ts';
import type { Globals, Run } from './verb.ts';
import { VERBS } from './verbs.ts';

/** What the command line asks for. */
export type Asked =
  | { readonly kind: 'run'; readonly run: Run }
  /** --help or --version: the text to print. */
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'usage'; readonly message: string; readonly help: string };

/** Reads the arguments after the program's name. Loads the files of the verbs that they name. */
export async function readCommandLine(argv: readonly string[], width: number): Promise<Asked> {
  let chosen: Run | undefined;
  let refused: string | undefined;
  let text = '';

  let parser: Argv<Globals> = yargs()
    .scriptName('postpace')
    .usage(
      '$0 VERB\n\nHolds bursts of mail back beside Postfix and releases them at the pace that each mailbox provider accepts.',
    )
    .locale('en')
    .version(packageVersion())
    .wrap(Math.min(width, 100))
    .parserConfiguration({
      'greedy-arrays': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'dot-notation': false,
      'boolean-negation': false,
    })
    .options({
      json: { type: 'boolean', default: false, describe: 'Print JSON (docs/cli.md)' },
      config: {
        type: 'string',
        requiresArg: true,
        describe: 'Configuration file [/etc/postpace/postpace.yaml]',
      },
      control: {
        type: 'string',
        requiresArg: true,
        describe: "The daemon's control socket, instead of the configuration's",
      },
    })
    .alias({ h: 'help', V: 'version' })
    .strict()
    .demandCommand(1, 1, 'Which verb?')
    .epilogue('Exit status: 0 done, 1 failed, 2 usage, 69 daemon unreachable, 78 configuration.')
    .exitProcess(false)
    .fail((message, error, failed) => {
      refused ??= explainRefusal(message || error?.message || 'unknown usage error', argv, failed);
    });

  // Only a verb that some argument names is loaded; an option's value that happens to be a verb's
  // name costs a few milliseconds and nothing else.
  for (const { command, describe, load } of VERBS) {
    const name = command.split(' ')[0] ?? command;
    parser = argv.includes(name)
      ? (await load())(parser, command, describe, (run) => {
          chosen = run;
        })
      : parser.command(command, describe);
  }

  await parser.parseAsync([...argv], {}, (_error, _args, output) => {
    text = output;
  });
  if (refused !== undefined) {
    return { kind: 'usage', message: refused, help: `Try: postpace ${helpPath(argv)}--help` };
  }
  if (chosen !== undefined && text === '') return { kind: 'run', run: chosen };
  return { kind: 'text', text };
}

/** The verbs that the arguments name, for the hint: `limits set `. */
function helpPath(argv: readonly string[]): string {
  const first = argv.find((each) => VERBS.some((verb) => verb.command.split(' ')[0] === each));
  return first === undefined ? '' : `${first} `;
}

/** yargs' sentence, and where it is about a word it doesn't know, what was probably meant. */
function explainRefusal(message: string, argv: readonly string[], parser: Argv): string {
  const unknown = /^Unknown (?:argument|command)s?: (.*)$/.exec(message);
  if (unknown === null) return message;
  const known = knownWords(parser);
  return (unknown[1] ?? '')
    .split(', ')
    .map((word) => {
      const dashes = word.length === 1 ? '-' : '--';
      const asOption = argv.some((each) => each.split('=')[0] === dashes + word);
      const meant = nearest(word, asOption ? known.options : known.commands);
      const what = asOption
        ? `Unknown option ${dashes}${word}`
        : `${known.commands.length > 0 ? 'Unknown verb' : 'Unexpected argument'} ${word}`;
      if (meant === undefined) return `${what}.`;
      return `${what}. Did you mean ${asOption ? '--' : ''}${meant}?`;
    })
    .join(' ');
}

/** Options and verbs that would have been right here, as the help text has them. */
function knownWords(parser: Argv): { readonly options: string[]; readonly commands: string[] } {
  let help = '';
  parser.showHelp((text) => {
    help = text;
  });
  const options = [...help.matchAll(/^ .*?--([a-z][a-z-]+)/gm)].map((each) => each[1] ?? '');
  const commands = [
    ...help.matchAll(/^ {2}postpace (?:[a-z]+ )*?([a-z]+)(?: [[<A-Z]| {2}|$)/gm),
  ].map((each) => each[1] ?? '');
  return { options, commands };
}
