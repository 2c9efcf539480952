/** postpace.yaml -> Config. Whatever is wrong is one ConfigError that lists all of it. */
import { existsSync, readFileSync } from 'node:fs';
import { loadPack } from '../provider/pack.ts';
import type { Provider } from '../provider/provider.ts';
import { check } from './check.ts';
import { ConfigError } from './config.ts';
import type { Config } from './config.ts';
import { parseSource } from './document.ts';
import { formatProblems } from './problem.ts';
import { settle } from './settle.ts';

export const DEFAULT_FILE = '/etc/postpace/postpace.yaml';

/** The pack comes with the program: it is read once, so that a reload stops nobody for it. */
let pack: readonly Provider[] | undefined;

function builtIn(): readonly Provider[] {
  pack ??= loadPack();
  return pack;
}

/**
 * Reads the configuration: `file` (from --config), else POSTPACE_CONFIG of the environment, either
 * of which must be there; else `defaultFile` if it is there; else the defaults alone.
 * Throws ConfigError.
 */
export function loadConfig(options: {
  readonly file?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly defaultFile?: string;
}): Config {
  const { file = options.env['POSTPACE_CONFIG'] ?? '', defaultFile = DEFAULT_FILE } = options;
  if (file !== '') return parseConfig(readText(file), file);
  if (existsSync(defaultFile)) return parseConfig(readText(defaultFile), defaultFile);
  return settle({}, builtIn());
}

/** The configuration in a text; `file` is its name in errors. Throws ConfigError. */
export function parseConfig(text: string, file: string): Config {
  const source = parseSource(text);
  if (source.problems.length > 0) throw new ConfigError(formatProblems(file, source.problems));
  const { file: checked, findings } = check(source.value);
  if (findings.length > 0) {
    const problems = findings.map((finding) => ({ ...finding, line: source.lineOf(finding.path) }));
    throw new ConfigError(formatProblems(file, problems));
  }
  return { file, ...settle(checked, builtIn()) };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`${file}: can't be read: ${why}`);
  }
}
