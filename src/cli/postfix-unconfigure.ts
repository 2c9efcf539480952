import { formatEndpoint } from '../config/endpoint.ts';
import { unconfigurePostfix, type UnconfigureOutcome } from '../postfix/unconfigure-run.ts';
import { attempt } from './attempt.ts';
import { EXIT } from './exit.ts';
import { readHeldRecords } from './held-records.ts';
import { changesReport, commandsShown } from './postfix-configure.ts';
import { printable } from './printable.ts';
import { complain, say, sayJson, type Shell } from './shell.ts';
import { verb } from './verb.ts';

/** How many foreign holds are listed one by one. */
const LISTED = 20;

/** Takes out what configure put in and releases what is ours; needs no daemon. */
export const postfixUnconfigure = verb(
  (yargs) =>
    yargs
      .option('apply', { type: 'boolean', default: false, describe: 'Do it' })
      .example('$0 postfix unconfigure', 'what would be changed and released')
      .example('sudo $0 postfix unconfigure --apply', 'do it, reload Postfix, release our mail')
      .epilogue('Held mail is released all at once: what is to be paced still must leave before.'),
  (options, shell) =>
    attempt(shell, async () => {
      const { loadConfig } = await import('../config/load.ts');
      const config = loadConfig({ file: options.config, env: shell.env });
      const { configDirectory } = config.postfix;
      const outcome = await unconfigurePostfix({
        configDirectory,
        listen: formatEndpoint(config.listen),
        records: () => readHeldRecords(config.stateDir),
        apply: options.apply,
        nowMs: shell.nowMs(),
      });
      if (options.json) sayJson(shell, reported(outcome, configDirectory));
      else print(outcome, configDirectory, shell);
      const { held, onTheirWay } = outcome;
      return held.failed.length + onTheirWay.length > 0 ? EXIT.failure : EXIT.ok;
    }),
);

function reported(outcome: UnconfigureOutcome, configDirectory: string): object {
  const { applied, changes, copies, held, reloaded, onTheirWay } = outcome;
  return {
    applied,
    changes: changesReport(changes, configDirectory),
    copies,
    [applied ? 'released' : 'wouldRelease']: held.released,
    failed: held.failed,
    foreign: held.foreign.map(({ queueId, sender }) => ({ queueId, sender })),
    reloaded,
    onTheirWay,
  };
}

function print(outcome: UnconfigureOutcome, configDirectory: string, shell: Shell): void {
  const { applied, changes, copies, held, reloaded, onTheirWay } = outcome;
  if (changes.length === 0) say(shell, `Nothing of postpace is in ${configDirectory}.`);
  for (const argv of commandsShown(configDirectory, changes)) say(shell, printable(argv));
  for (const copy of copies) say(shell, `Kept a copy: ${copy}`);
  const count = messages(held.released.length);
  say(
    shell,
    applied ? `Released ${count} that postpace held.` : `Would release ${count} now held.`,
  );
  if (held.failed.length > 0)
    complain(shell, `postpace: Not released: ${held.failed.join(', ')}. See mailq.`);
  if (held.foreign.length > 0) printForeign(outcome, shell);
  if (!applied) {
    say(shell, '\nNothing was changed. To do it: the same with --apply, as root.');
    return;
  }
  if (!reloaded) say(shell, 'Postfix is not running: nothing was reloaded.');
  if (onTheirWay.length > 0)
    complain(
      shell,
      `postpace: ${messages(onTheirWay.length)} still on the way to the second hop, which stays ` +
        `for them: ${onTheirWay.slice(0, LISTED).join(', ')}. Run unconfigure again later.`,
    );
  else if (changes.length > 0)
    say(shell, 'postpace can be stopped now (systemctl disable --now postpace.socket postpace).');
}

function printForeign({ held: { foreign } }: UnconfigureOutcome, shell: Shell): void {
  say(
    shell,
    `${messages(foreign.length)} in hold that postpace has no record of, left there ` +
      '(to release one: postsuper -H ID):',
  );
  for (const { queueId, sender } of foreign.slice(0, LISTED))
    say(shell, printable(`  ${queueId}  ${sender === '' ? '<>' : sender}`));
  if (foreign.length > LISTED) say(shell, `  … and ${foreign.length - LISTED} more`);
}

function messages(count: number): string {
  return count === 1 ? '1 message' : `${count} messages`;
}
