import { type Config, ConfigError } from '../config/config.ts';
import { connect } from './connect.ts';
import { EXIT } from './exit.ts';
import { printable } from './printable.ts';
import { complain, say, sayJson, type Shell } from './shell.ts';
import { group, verb } from './verb.ts';

const check = verb(
  (yargs) =>
    yargs
      .example('$0 config check', 'the file that the daemon would read')
      .example('$0 config check --config new.yaml && mv new.yaml /etc/postpace/postpace.yaml', ''),
  async (options, shell) => {
    const { loadConfig } = await import('../config/load.ts');
    try {
      const { file, feedback } = loadConfig({ file: options.config, env: shell.env });
      const warnings = await unknownRules(feedback);
      if (!options.json) for (const one of warnings) complain(shell, printable(one));
      if (options.json) sayJson(shell, { ok: true, file: file ?? null, errors: [], warnings });
      else if (file === undefined) say(shell, 'There is no configuration file: defaults hold.');
      else say(shell, printable(`${file}: no mistakes.`));
      return EXIT.ok;
    } catch (error) {
      if (!(error instanceof ConfigError) || !options.json) throw error;
      const file = options.config ?? shell.env['POSTPACE_CONFIG'] ?? null;
      sayJson(shell, { ok: false, file, errors: error.message.split('\n'), warnings: [] });
      return EXIT.configuration;
    }
  },
);

const show = verb(
  (yargs) =>
    yargs
      .option('offline', {
        type: 'boolean',
        default: false,
        describe: "What the file and the defaults say; doesn't ask the daemon",
      })
      .example('$0 config show', 'what the daemon has in force, every default filled in')
      .example('$0 config show --offline --config new.yaml', 'what a file would put in force'),
  async (options, shell) => {
    const shown = options.offline
      ? await fromFile(options.config, shell)
      : await (await connect(options, shell)).config();
    if (options.json) {
      sayJson(shell, shown);
      return EXIT.ok;
    }
    const { stringify } = await import('yaml');
    say(shell, printable(stringify(shown, { lineWidth: 100 }).trimEnd()));
    return EXIT.ok;
  },
);

const init = verb(
  (yargs) =>
    yargs.example(
      '$0 config init > /etc/postpace/postpace.yaml',
      'every key with its default, commented out',
    ),
  async (options, shell) => {
    const { initText } = await import('../config/init.ts');
    if (options.json) sayJson(shell, { text: initText() });
    else say(shell, initText().trimEnd());
    return EXIT.ok;
  },
);

/** The configuration: what is wrong with it, what is in force, a file to start from. */
export const config = group({
  check: ['Look for mistakes in the file; needs no daemon', check],
  show: ['What is in force', show],
  init: ['Print a file with every key, its default and what it means', init],
});

/** A rule may be gone after an upgrade: the daemon starts, and nothing comes of its id. */
async function unknownRules({ notFinal }: Config['feedback']): Promise<readonly string[]> {
  if (notFinal.length === 0) return [];
  const { loadRules } = await import('../feedback/rule-files.ts');
  const known = new Set(loadRules().map(({ id }) => id));
  const unknown = notFinal.filter((id) => !known.has(id));
  return unknown.map((id) => {
    const [provider = ''] = id.split('/');
    const some = [...known].filter((one) => one.startsWith(`${provider}/`));
    const those = some.length > 0 ? some.join(', ') : 'an id that postpace classify prints';
    return `warning: feedback.not_final: found ${id}, which is no rule, expected ${those}`;
  });
}

async function fromFile(file: string | undefined, shell: Shell): Promise<unknown> {
  const { loadConfig } = await import('../config/load.ts');
  const { showConfig } = await import('../config/show.ts');
  const loaded = loadConfig({ file, env: shell.env });
  if (loaded.file === undefined) complain(shell, '# There is no configuration file: defaults.');
  return showConfig(loaded);
}
