import type { Counted } from '../control/api.ts';
import { connect } from './connect.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { heldDelete } from './held-delete.ts';
import { heldDetails, heldTable } from './held-text.ts';
import { printable, printableReport } from './printable.ts';
import { selectionOf, selectionOptions, someSelection } from './selection.ts';
import { columns, complain, operator, say, sayJson, type Shell } from './shell.ts';
import { group, verb } from './verb.ts';

const list = verb(
  (yargs) =>
    selectionOptions(yargs)
      .example('$0 held list', 'everything in the hold queue, foreign holds too')
      .example('$0 held list --provider utc --sender mattermost@example.org', ''),
  async (options, shell) => {
    const reports = await (await connect(options, shell)).held(selectionOf(options));
    if (options.json) sayJson(shell, reports);
    else if (reports.length === 0) say(shell, 'Nothing is held.');
    else say(shell, heldTable(printableReport(reports), shell.nowMs(), columns(shell)).join('\n'));
    return EXIT.ok;
  },
);

const show = verb(
  (yargs) =>
    yargs
      .positional('id', { type: 'string', demandOption: true, describe: 'Its queue id' })
      .example('$0 held show 4cRxYz1abcz2Gk', 'all that is known about it'),
  async (options, shell) => {
    const [report] = await (await connect(options, shell)).held({ ids: [options.id] });
    if (report === undefined) {
      complain(shell, printable(`postpace: ${options.id} is not held.`));
      return EXIT.failure;
    }
    if (options.json) sayJson(shell, report);
    else say(shell, heldDetails(printableReport(report), shell.nowMs(), columns(shell)).join('\n'));
    return EXIT.ok;
  },
);

const release = verb(
  (yargs) =>
    someSelection(yargs)
      .example('$0 held release 4cRxYz1abcz2Gk', 'this one, now; it counts against the limits')
      .example('$0 held release --provider utc', 'all that is held for utc, whatever its limits'),
  async (options, shell) => {
    const daemon = await connect(options, shell);
    const counted = await daemon.releaseHeld(selectionOf(options), operator(shell));
    return printCounted(counted, 'released', options.json, shell);
  },
);

const adopt = verb(
  (yargs) =>
    yargs
      .positional('ids', {
        type: 'string',
        array: true,
        demandOption: true,
        describe: 'Queue ids of unclaimed or foreign mail',
      })
      .example('$0 held adopt 4cRxYz1abcz2Gk', 'from now on paced and released like our own'),
  async (options, shell) => {
    const daemon = await connect(options, shell);
    const counted = await daemon.adoptHeld(options.ids, operator(shell));
    return printCounted(counted, 'adopted', options.json, shell);
  },
);

/** The mail in Postfix's hold queue: ours, and what others hold. */
export const held = group({
  'list [ids..]': ['What is held, for whom, and when it leaves', list],
  'show <id>': ['All that is known about one message', show],
  'release [ids..]': ['Let messages go now; they still count against the limits', release],
  'delete [ids..]': ['Delete messages for good (needs root)', heldDelete],
  'adopt <ids..>': ['Make unclaimed or foreign holds ours, to be paced and released', adopt],
});

/** `3 messages released.` and what went wrong; a failure when anything did, or nothing matched. */
function printCounted(counted: Counted, done: string, asJson: boolean, shell: Shell): ExitCode {
  const { length } = counted.done;
  if (asJson) sayJson(shell, counted);
  else say(shell, `${length} ${length === 1 ? 'message' : 'messages'} ${done}.`);
  for (const { queueId, why } of counted.failed) {
    complain(shell, printable(`postpace: ${queueId}: ${why}`));
  }
  return length === 0 || counted.failed.length > 0 ? EXIT.failure : EXIT.ok;
}
