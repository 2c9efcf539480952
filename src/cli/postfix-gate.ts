import type { Config } from '../config/config.ts';
import { shellLine } from '../postfix/change.ts';
import {
  type GateOutcome,
  type RemovalOutcome,
  removeGate,
  setUpGate,
} from '../postfix/gate-run.ts';
import { attempt } from './attempt.ts';
import { EXIT } from './exit.ts';
import { changesReport, commandsShown } from './postfix-configure.ts';
import { printable } from './printable.ts';
import { complain, say, sayJson, type Shell } from './shell.ts';
import { verb } from './verb.ts';

const WAIT_MS = 20_000;

/** A second instance behind the first, which makes mail wait for its turn. */
export const postfixGate = verb(
  (yargs) =>
    yargs
      .option('first', {
        type: 'string',
        requiresArg: true,
        default: '/etc/postfix',
        describe: 'The instance that takes mail',
      })
      .option('directory', {
        type: 'string',
        requiresArg: true,
        default: '/etc/postfix-gate',
        describe: 'Where the gate has its configuration; the last part is its name',
      })
      .option('port', {
        type: 'number',
        requiresArg: true,
        default: 10_025,
        describe: 'Its loopback port; the next one is the way back for bounces',
      })
      .option('remove', {
        type: 'boolean',
        default: false,
        describe: 'Send mail round the gate, and take the gate away once it is empty',
      })
      .option('apply', { type: 'boolean', default: false, describe: 'Do it' })
      .example('$0 postfix gate', 'what would be done')
      .example('sudo $0 postfix gate --apply', 'do it, keeping copies')
      .example('sudo $0 postfix gate --remove --apply', 'take it all back'),
  (options, shell) =>
    attempt(shell, async () => {
      const { loadConfig } = await import('../config/load.ts');
      const config = loadConfig({ file: options.config, env: shell.env });
      const places = {
        firstDirectory: options.first,
        secondDirectory: options.directory,
        apply: options.apply,
        nowMs: shell.nowMs(),
      };
      if (options.remove) {
        const outcome = await removeGate(places);
        if (options.json) sayJson(shell, { ...outcome, first: undefined });
        else printRemoval(outcome, options.first, shell);
        return outcome.waiting > 0 && outcome.applied ? EXIT.failure : EXIT.ok;
      }
      const outcome = await setUpGate({
        ...places,
        port: options.port,
        waitMs: config.tempfail.waitMs || WAIT_MS,
        providers: providersOf(config),
      });
      if (options.json) sayJson(shell, reported(outcome, options.first, options.directory));
      else print(outcome, options, shell);
      return outcome.conflicts.length > 0 ? EXIT.failure : EXIT.ok;
    }),
);

function providersOf({ providers }: Config) {
  return providers.map(({ id, domains, limits: { pace } }) => ({
    id,
    domains,
    ...(pace !== undefined && { intervalUs: pace.windowUs / pace.count }),
  }));
}

function reported(outcome: GateOutcome, first: string, second: string): object {
  const { applied, conflicts, copies, before, after, tablePath, table, socket } = outcome;
  return {
    applied,
    conflicts,
    copies,
    commands: [...before, ...after],
    first: changesReport(outcome.first, first),
    gate: changesReport(outcome.second, second),
    tablePath,
    table,
    socket,
  };
}

function print(
  outcome: GateOutcome,
  options: { readonly first: string; readonly directory: string; readonly port: number },
  shell: Shell,
): void {
  const { applied, before, after, conflicts, copies, tablePath, table, socket } = outcome;
  if (conflicts.length > 0) {
    for (const conflict of conflicts) complain(shell, printable(`postpace: ${conflict}`));
    complain(shell, 'Nothing was changed.');
    return;
  }
  const domains = table.split('\n').length - 1;
  for (const argv of before) say(shell, printable(shellLine(argv)));
  for (const line of commandsShown(options.directory, outcome.second)) say(shell, printable(line));
  for (const argv of after) say(shell, printable(shellLine(argv)));
  say(shell, printable(`# ${tablePath}: ${domains} domains, each with its provider's transport`));
  for (const line of commandsShown(options.first, outcome.first)) say(shell, printable(line));
  for (const copy of copies) say(shell, `Kept a copy: ${copy}`);
  if (!applied) {
    say(shell, '\nNothing was changed. To do it: the same with --apply, as root.');
    return;
  }
  say(shell, '\nWhat to do next: these lines into postpace.yaml, then start postpace.');
  for (const line of [
    `listen: unix:${socket}`,
    'mode: tempfail',
    'tempfail:',
    `  ports: [${options.port}]`,
    '  wait: 20s',
    'postfix:',
    `  config_directory: ${options.directory}`,
  ]) {
    say(shell, `  ${line}`);
  }
  say(shell, 'Until it runs, mail waits in the first instance and is tried again.');
  say(shell, 'To take it all back: postpace postfix gate --remove --apply');
}

function printRemoval(outcome: RemovalOutcome, first: string, shell: Shell): void {
  const { applied, kept, waiting, copies } = outcome;
  for (const line of commandsShown(first, outcome.first)) say(shell, printable(line));
  for (const copy of copies) say(shell, `Kept a copy: ${copy}`);
  for (const place of kept) complain(shell, `Note: ${place} was changed since, and stays.`);
  if (!applied) {
    say(shell, '\nNothing was changed. To do it: the same with --apply, as root.');
  } else if (waiting > 0) {
    complain(
      shell,
      `postpace: ${waiting} message(s) are still in the gate, which stays for them, and no new mail ` +
        'comes to it. Run this again later.',
    );
  } else say(shell, 'The gate is gone. postpace can be stopped, or configured for another mode.');
}
