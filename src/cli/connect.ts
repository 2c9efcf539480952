import { readFile } from 'node:fs/promises';

import { ConfigError } from '../config/config.ts';
import { DEFAULTS } from '../config/defaults.ts';
import type { ControlTarget } from '../control/api.ts';
import { controlClient } from '../control/client.ts';
import type { Shell } from './shell.ts';
import type { Globals } from './verb.ts';

/** As in config/load.ts, which is not loaded here: with the schema it is most of a start-up. */
const DEFAULT_FILE = '/etc/postpace/postpace.yaml';

/** A client for the daemon that the options or the configuration name; `signal` ends its waits. */
export async function connect(
  options: Globals,
  shell: Pick<Shell, 'env'>,
  signal?: AbortSignal,
): Promise<ControlTarget> {
  return controlClient(await controlSocket(options, shell.env), undefined, signal);
}

/**
 * --control, else the `control` of --config, of POSTPACE_CONFIG or of the default file, else the
 * default socket. Of the file nothing but that key is looked at: a mistake elsewhere in it must not keep an
 * administrator from the daemon that runs. Throws ConfigError when the file can't be read as YAML.
 */
export async function controlSocket(options: Globals, env: Shell['env']): Promise<string> {
  if (options.control !== undefined) return options.control.replace(/^unix:/, '');
  const named = options.config ?? (env['POSTPACE_CONFIG'] || undefined);
  const file = named ?? DEFAULT_FILE;
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    // The default file may be missing, or secret: the daemon's group need not be the reader's.
    if (named === undefined) return DEFAULTS.control;
    throw new ConfigError(
      `${file}: can't be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  const { parse } = await import('yaml');
  let content: unknown;
  try {
    content = parse(text);
  } catch (error) {
    throw new ConfigError(
      `${file}: ${error instanceof Error ? error.message : String(error)}\n` +
        `(--control SOCKET reaches the daemon without this file.)`,
    );
  }
  if (typeof content === 'object' && content !== null && 'control' in content) {
    const { control } = content;
    if (typeof control === 'string') return control.replace(/^unix:/, '');
    throw new ConfigError(
      `${file}: control: expected the path of a unix socket, found ${JSON.stringify(control)}`,
    );
  }
  return DEFAULTS.control;
}
