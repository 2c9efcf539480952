import type { Config } from '../config/config.ts';
import { replyTablePath } from '../daemon/reply-tables.ts';
import { filteredProviders, replyTable } from '../feedback/reply-table.ts';
import { loadRules } from '../feedback/rule-files.ts';
import { toDestination } from '../mail/destination.ts';
import { setUpReplyFilter, type ReplyFilterOutcome } from '../postfix/reply-filter-run.ts';
import { createResolver } from '../provider/resolve.ts';
import { attempt } from './attempt.ts';
import { connect } from './connect.ts';
import { EXIT } from './exit.ts';
import { changesReport, commandsShown } from './postfix-configure.ts';
import { printable } from './printable.ts';
import { complain, say, sayJson, type Shell } from './shell.ts';
import { verb } from './verb.ts';

/** A transport for each provider whose 5xx is not always its last word. */
export const postfixReplyFilter = verb(
  (yargs) =>
    yargs
      .option('providers', {
        type: 'string',
        requiresArg: true,
        describe: 'For these alone [those that have it, else all that the rules know a reason for]',
      })
      .option('apply', { type: 'boolean', default: false, describe: 'Do it' })
      .example('$0 postfix reply-filter', 'what would be changed')
      .example('sudo $0 postfix reply-filter --providers qq,outlook --apply', '')
      .epilogue('postfix unconfigure takes it back.'),
  (options, shell) =>
    attempt(shell, async () => {
      const { loadConfig } = await import('../config/load.ts');
      const config = loadConfig({ file: options.config, env: shell.env });
      const { configDirectory, outboundTransports } = config.postfix;
      const rules = loadRules();
      const named = options.providers === undefined ? undefined : idsOf(config, options.providers);
      if (named?.length === 0) {
        complain(shell, 'postpace: --providers names nobody. postfix unconfigure takes all back.');
        return EXIT.usage;
      }
      const unknown = named?.find((name) => domainsOf(config, name).length === 0);
      if (unknown !== undefined) {
        complain(shell, printable(`postpace: ${unknown}: no provider of that name has domains.`));
        return EXIT.usage;
      }
      const outcome = await setUpReplyFilter({
        configDirectory,
        providers: named,
        usual: filteredProviders(rules),
        domainsOf: (provider) => domainsOf(config, provider),
        pathOf: (provider) => replyTablePath(config.stateDir, provider),
        textOf: (provider) => {
          const { notFinal } = config.feedback;
          return replyTable(rules, { provider, isStopped: false, notFinal });
        },
        outboundTransports,
        apply: options.apply,
        nowMs: shell.nowMs(),
        reloadDaemon: async () => {
          try {
            await (await connect(options, shell)).reload();
            return true;
          } catch {
            return false;
          }
        },
      });
      if (options.json) sayJson(shell, reported(outcome, configDirectory));
      else print(outcome, configDirectory, shell);
      return outcome.conflicts.length > 0 ? EXIT.failure : EXIT.ok;
    }),
);

/** As everywhere a provider is named by its id or by a domain of its own; each once. */
function idsOf(config: Config, providers: string): readonly string[] {
  const resolver = createResolver(config);
  const names = providers.split(/[\s,]+/).filter((name) => name !== '');
  return [...new Set(names.map((name) => resolver.provider(toDestination(name) ?? name).id))];
}

/** A provider that no list names is a domain of its own. */
function domainsOf(config: Config, name: string): readonly string[] {
  const known = config.providers.find(({ id }) => id === name);
  return known?.domains ?? (name.includes('.') ? [name] : []);
}

function reported(outcome: ReplyFilterOutcome, configDirectory: string): object {
  const { applied, providers, changes, conflicts, warnings, copies, tablePath, table } = outcome;
  return {
    applied,
    providers,
    changes: changesReport(changes, configDirectory),
    tablePath,
    table,
    conflicts,
    warnings,
    copies,
    daemonKnows: outcome.daemonKnows ?? null,
  };
}

function print(outcome: ReplyFilterOutcome, configDirectory: string, shell: Shell): void {
  const { applied, changes, conflicts, warnings, copies, tablePath, table } = outcome;
  for (const warning of warnings) complain(shell, printable(`Note: ${warning}`));
  if (conflicts.length > 0) {
    for (const conflict of conflicts) complain(shell, printable(`postpace: ${conflict}`));
    complain(shell, 'Nothing was changed.');
    return;
  }
  if (changes.length === 0) say(shell, `Nothing to change in ${configDirectory}.`);
  for (const line of commandsShown(configDirectory, changes)) say(shell, printable(line));
  const domains = table.split('\n').length - 1;
  say(shell, printable(`# ${tablePath}: ${domains} domains, each with its provider's transport`));
  for (const copy of copies) say(shell, `Kept a copy: ${copy}`);
  if (!applied) {
    say(shell, '\nNothing was changed. To do it: the same with --apply, as root.');
    return;
  }
  if (outcome.daemonKnows === false)
    complain(shell, 'Note: postpace could not be told. If it runs: postpace reload');
  if (changes.length > 0) say(shell, 'To take it all back: postpace postfix unconfigure --apply');
}
