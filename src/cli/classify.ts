import { once } from 'node:events';

import type { Classification, Context } from '../feedback/classify.ts';
import { EXIT } from './exit.ts';
import { printable } from './printable.ts';
import { replyLines } from './reply-lines.ts';
import { columns, json, say, type Shell } from './shell.ts';
import { table, type Row } from './table.ts';
import { verb } from './verb.ts';

/** What replies mean; needs no daemon. */
export const classify = verb(
  (yargs) =>
    yargs
      .positional('text', {
        type: 'string',
        default: '-',
        describe: 'A reply as the log or a bounce has it; - for one a line from standard input',
      })
      .option('recipient', {
        type: 'string',
        requiresArg: true,
        describe: "Whom the mail was for: its provider's rules come first",
      })
      .example(
        "$0 classify '550 5.7.1 … block list (S3150)'",
        'what it means, and whose doing it is',
      )
      .example('$0 classify --recipient jane@qq.com "550 Connection denied"', '')
      .example('$0 classify --json - < replies.txt', 'one object a line, for scripts'),
  async (options, shell) => {
    const { createClassifier } = await import('../feedback/classify.ts');
    const { loadRules } = await import('../feedback/rule-files.ts');
    const context = await contextOf(options.config, options.recipient, shell);
    const classifier = createClassifier(loadRules());
    const many = options.text === '-';
    const replies = many ? replyLines(shell.stdin) : [options.text];
    const rows: Row[] = [];
    for await (const reply of replies) {
      const found = classifier.classify(reply, context);
      if (!options.json) rows.push(rowOf(found, many ? reply : undefined));
      else if (!shell.stdout.write(`${json(shown(found), 0)}\n`)) await once(shell.stdout, 'drain');
    }
    if (rows.length > 0) say(shell, table(COLUMNS, rows, columns(shell)).join('\n'));
    return EXIT.ok;
  },
);

const COLUMNS = [
  { title: 'CATEGORY' },
  { title: 'GROUP' },
  { title: 'BLAMES' },
  { title: 'PROVIDER', under: true },
  { title: 'RULE' },
] as const;

function rowOf(
  { category, group, blames, provider = '-', rule = '-' }: Classification,
  reply?: string,
): Row {
  return {
    cells: [category, group, blames, printable(provider), rule],
    ...(reply !== undefined && { notes: [printable(reply.trim())] }),
  };
}

/** The JSON of docs/cli.md. */
function shown({ category, group, provider, rule, blames }: Classification) {
  return { category, group, provider: provider ?? null, rule: rule ?? null, blames };
}

/** The provider of a recipient and our own addresses, as the configuration has them. */
async function contextOf(
  file: string | undefined,
  recipient: string | undefined,
  shell: Shell,
): Promise<Context> {
  const { loadConfig } = await import('../config/load.ts');
  const config = loadConfig({ file, env: shell.env });
  const { ownAddresses } = config;
  if (recipient === undefined) return { ownAddresses };
  const { parseAddress } = await import('../mail/address.ts');
  const { createResolver } = await import('../provider/resolve.ts');
  const address = parseAddress(recipient);
  const destination = address.kind === 'mailbox' ? address.destination : undefined;
  if (destination === undefined) return { ownAddresses, recipient };
  return { ownAddresses, recipient, provider: createResolver(config).resolve(destination).id };
}
