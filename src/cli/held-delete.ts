/** `held delete`: the one verb that acts by itself, because only root may run postsuper -d. */
import { createInterface } from 'node:readline/promises';

import type { Counted, HeldReport } from '../control/api.ts';
import { connect } from './connect.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { heldTable } from './held-text.ts';
import { deleteFromHold } from './postsuper-delete.ts';
import { printable, printableReport } from './printable.ts';
import { selectionOf, someSelection } from './selection.ts';
import { columns, complain, say, sayJson, type Shell } from './shell.ts';
import { verb } from './verb.ts';

/** How many of the messages the plan lists one by one. */
const LISTED = 20;

/**
 * Deletes held mail for good, after saying what. By --provider and --sender only mail that is ours;
 * what something else holds must be named by its id.
 */
export const heldDelete = verb(
  (yargs) =>
    someSelection(yargs)
      .option('yes', { type: 'boolean', default: false, describe: "Don't ask" })
      .example('sudo $0 held delete 4cRxYz1abcz2Gk', 'shows it, asks, deletes')
      .example('sudo $0 held delete --sender wekan@example.org --yes', 'all of a sender')
      .epilogue(
        'Deleted mail is gone: nobody gets a bounce. Foreign and unclaimed mail is deleted only by id.',
      ),
  async (options, shell) => {
    if (process.getuid?.() !== 0) {
      complain(
        shell,
        'postpace: Deleting needs root: Postfix lets only root run postsuper. ' +
          'Nothing was deleted. Try again with sudo.',
      );
      return EXIT.failure;
    }
    const daemon = await connect(options, shell);
    const selection = selectionOf(options);
    const listed = await daemon.held(selection);
    const named = new Set(selection.ids);
    const doomed = listed.filter((each) => each.owner === 'ours' || isNamed(each, named));
    // One that is listed under none of the ids was found by the id that the application saw: then
    // which of the ids found nothing can't be told.
    const missing = listed.every((each) => isNamed(each, named))
      ? [...named].filter((id) => !listed.some((each) => isNamed(each, new Set([id]))))
      : [];
    for (const id of missing) complain(shell, printable(`postpace: ${id} is not held.`));
    if (doomed.length === 0) {
      complain(shell, 'postpace: Nothing that matches is held by postpace. Nothing was deleted.');
      return EXIT.failure;
    }

    const { configDirectory } = (await daemon.status()).postfix;
    complain(shell, plan(printableReport(doomed), configDirectory, shell));
    if (!options.yes) {
      if (!shell.stdin.isTTY) {
        complain(shell, 'postpace: Nobody can be asked here. Nothing was deleted. Add --yes.');
        return EXIT.usage;
      }
      if (!(await confirmed(`Delete ${messages(doomed.length)}? [y/N] `, shell))) {
        complain(shell, 'Nothing was deleted.');
        return EXIT.failure;
      }
    }

    const ids = doomed.map((each) => each.queueId);
    const counted = await deleteFromHold(ids, configDirectory, shell.env);
    await daemon.reconcile();
    return printDeleted(counted, missing.length > 0, options.json, shell);
  },
);

function isNamed(report: HeldReport, ids: ReadonlySet<string>): boolean {
  return ids.has(report.queueId) || report.formerIds.some((former) => ids.has(former));
}

function plan(doomed: readonly HeldReport[], configDirectory: string, shell: Shell): string {
  const lines = [
    `This deletes ${messages(doomed.length)} from the hold queue of ${configDirectory} for good. ` +
      'Nobody gets a bounce.',
    ...heldTable(doomed.slice(0, LISTED), shell.nowMs(), columns(shell)),
  ];
  if (doomed.length > LISTED) lines.push(`… and ${doomed.length - LISTED} more`);
  const others = doomed.filter((each) => each.owner !== 'ours').map((each) => each.queueId);
  if (others.length > 0) lines.push(`Not held by postpace: ${others.join(', ')}`);
  return lines.join('\n');
}

async function confirmed(question: string, shell: Shell): Promise<boolean> {
  const terminal = createInterface({ input: shell.stdin, output: shell.stderr });
  try {
    const answer = await terminal.question(question);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}

function printDeleted(
  counted: Counted,
  someMissing: boolean,
  asJson: boolean,
  shell: Shell,
): ExitCode {
  if (asJson) sayJson(shell, counted);
  else say(shell, `${messages(counted.done.length)} deleted.`);
  for (const { queueId, why } of counted.failed) {
    complain(shell, printable(`postpace: ${queueId}: ${why}`));
  }
  return someMissing || counted.failed.length > 0 ? EXIT.failure : EXIT.ok;
}

function messages(count: number): string {
  return count === 1 ? '1 message' : `${count} messages`;
}
