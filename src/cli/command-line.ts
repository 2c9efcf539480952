import yargs, { type Argv } from 'yargs';

import { packageVersion } from '../version.ts';
import { explainRefusal } from './refusal.ts';
import type { Globals, Run } from './verb.ts';
import { VERBS } from './verbs.ts';

/** What the command line asks for. */
export type Asked =
  | { readonly kind: 'run'; readonly run: Run }
  /** --help or --version: the text to print. */
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'usage'; readonly message: string };

/** What may be given more than once; yargs would make a list of anything. */
const LISTS = new Set(['_', 'ids', 'quota', 'services']);

/** Reads the arguments after the program's name. Loads the files of the verbs that they name. */
export async function readCommandLine(argv: readonly string[], width: number): Promise<Asked> {
  const dashed = behindMark(argv).find((word) => /^-./.test(word));
  if (dashed !== undefined) {
    const message = `Unexpected behind --: ${dashed}. Nothing that begins with - is taken there.`;
    return { kind: 'usage', message };
  }
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
    .group(['json', 'config', 'control', 'help', 'version'], 'General options:')
    .check((args) => {
      const twice = Object.keys(args).find((key) => Array.isArray(args[key]) && !LISTS.has(key));
      if (twice === undefined) return true;
      throw new Error(`--${twice} is given twice`);
    })
    .strict()
    .demandCommand(1, 1, 'Which verb?')
    .epilogue(
      'Exit status: 0 done, 1 failed, 2 usage, 69 daemon unreachable, 75 try again, 78 configuration.',
    )
    .exitProcess(false)
    .fail((message, error, failed) => {
      if (refused !== undefined) return;
      refused = message || error.message;
      failed.showHelp((help) => {
        refused = explainRefusal(message || error.message, argv, help);
      });
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

  await parser.parseAsync(withoutMark(argv), {}, (_error, _args, output) => {
    text = output;
  });
  if (refused !== undefined) return { kind: 'usage', message: refused };
  if (chosen !== undefined && text === '') return { kind: 'run', run: chosen };
  return { kind: 'text', text };
}

/** What stands behind `--`: words, whatever they look like. */
function behindMark(argv: readonly string[]): readonly string[] {
  const at = argv.indexOf('--');
  return at < 0 ? [] : argv.slice(at + 1);
}

/** yargs gives what is behind the mark to no positional, and a verb would go on without it. */
function withoutMark(argv: readonly string[]): string[] {
  const at = argv.indexOf('--');
  return argv.filter((_, index) => index !== at);
}
