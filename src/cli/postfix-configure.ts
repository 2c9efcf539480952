import type { Config } from '../config/config.ts';
import { formatEndpoint } from '../config/endpoint.ts';
import { postconfCommands, shellLine, type Change } from '../postfix/change.ts';
import { configurePostfix, renamesQueue, type ConfigureOutcome } from '../postfix/configure-run.ts';
import { attempt } from './attempt.ts';
import { EXIT } from './exit.ts';
import { printable } from './printable.ts';
import { complain, say, sayJson, type Shell } from './shell.ts';
import { verb } from './verb.ts';

/** Prints what would be changed; with --apply does it, through postconf, keeping copies. */
export const postfixConfigure = verb(
  (yargs) =>
    yargs
      .option('split', {
        type: 'boolean',
        default: false,
        describe: 'One message per recipient: a hop on loopback before the milter',
      })
      .option('split-port', {
        type: 'string',
        requiresArg: true,
        coerce: readPort,
        describe: 'Loopback port of that hop [the first free one from 10029]',
      })
      .option('services', {
        type: 'string',
        requiresArg: true,
        describe: 'Only these services of master.cf; sendmail: mail from sendmail(1)',
      })
      .option('apply', { type: 'boolean', default: false, describe: 'Do it' })
      .example('$0 postfix configure', 'what would be changed')
      .example('sudo $0 postfix configure --apply', 'change it, keeping copies')
      .example('sudo $0 postfix configure --services submission,sendmail --apply', ''),
  (options, shell) =>
    attempt(shell, async () => {
      const { loadConfig } = await import('../config/load.ts');
      const config = loadConfig({ file: options.config, env: shell.env });
      const { configDirectory } = config.postfix;
      const outcome = await configurePostfix({
        configDirectory,
        listen: formatEndpoint(config.listen),
        services: options.services?.split(/[\s,]+/).filter((name) => name !== ''),
        split: options.split,
        splitPort: options.splitPort,
        apply: options.apply,
        nowMs: shell.nowMs(),
      });
      if (options.json) sayJson(shell, reported(outcome, configDirectory));
      else print(outcome, config, options.apply, shell);
      return outcome.conflicts.length > 0 ? EXIT.failure : EXIT.ok;
    }),
);

/** Throws an Error that yargs shows as a usage error. */
function readPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= 65_535) return port;
  throw new Error(`--split-port: expected a port from 1 to 65535, found ${text}`);
}

/** A postconf line for each change, as an administrator would type it. */
export function commandsShown(
  configDirectory: string,
  changes: readonly Change[],
): readonly string[] {
  return changes.flatMap((change) => postconfCommands(configDirectory, [change]).map(shellLine));
}

/** The changes as the JSON of both verbs has them. */
export function changesReport(
  changes: readonly Change[],
  configDirectory: string,
): readonly object[] {
  return changes.map((change) => ({
    file: change.place.kind === 'main' ? 'main.cf' : 'master.cf',
    name: change.place.kind === 'main' ? change.place.name : change.place.id,
    before: change.before ?? null,
    after: change.after ?? null,
    command: postconfCommands(configDirectory, [change])[0],
  }));
}

function reported(outcome: ConfigureOutcome, configDirectory: string): object {
  const { applied, changes, conflicts, warnings, copies, madeDirectory } = outcome;
  return {
    applied,
    changes: changesReport(changes, configDirectory),
    conflicts,
    warnings,
    copies,
    madeDirectory: madeDirectory ?? null,
  };
}

function print(outcome: ConfigureOutcome, config: Config, apply: boolean, shell: Shell): void {
  const { configDirectory } = config.postfix;
  const { changes, conflicts, warnings, copies, madeDirectory } = outcome;
  for (const warning of warnings) complain(shell, printable(`Note: ${warning}`));
  if (conflicts.length > 0) {
    for (const conflict of conflicts) complain(shell, printable(`postpace: ${conflict}`));
    if (apply) complain(shell, 'Nothing was changed.');
    return;
  }
  if (changes.length === 0) say(shell, `Nothing to change in ${configDirectory}.`);
  for (const argv of commandsShown(configDirectory, changes)) say(shell, printable(argv));
  for (const copy of copies) say(shell, `Kept a copy: ${copy}`);
  if (madeDirectory !== undefined) say(shell, `Made ${madeDirectory} for the socket.`);
  for (const line of nextSteps(outcome, configDirectory, apply)) say(shell, line);
}

function nextSteps(
  { changes, copies }: ConfigureOutcome,
  configDirectory: string,
  apply: boolean,
): readonly string[] {
  if (changes.length === 0) return [];
  if (!apply) return ['', 'Nothing was changed. To do it: the same with --apply, as root.'];
  const lines = [
    '',
    'What to do next:',
    '  1. Start postpace (systemctl enable --now postpace.socket postpace.service).',
    `  2. ${shellLine(['postfix', '-c', configDirectory, 'reload'])}`,
    '  3. Send a mail, then: postpace status',
    'In the other order mail is held, and released once postpace has started.',
  ];
  if (renamesQueue(changes))
    lines.push('With the reload, mail that is in the queue now gets long queue ids.');
  if (copies.length > 0) lines.push('To take it all back: postpace postfix unconfigure --apply');
  return lines;
}
