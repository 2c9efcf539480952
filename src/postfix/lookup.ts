/** Lookups in Postfix's tables, through `postmap -q`: a process of some 20 ms. */
import { execFile } from 'node:child_process';
import { failure } from './command.ts';

const LONGEST_MS = 10_000;

/** The values of those keys that the table has. Rejects when it can't be read. */
export type LookUp = (
  table: string,
  keys: readonly string[],
) => Promise<ReadonlyMap<string, string>>;

/** `table` as main.cf has it: `hash:/etc/postfix/relay`, `inline:{ a=b }`. */
export function tableReader(configDirectory: string): LookUp {
  return (table, keys) => postmap(configDirectory, table, keys);
}

function postmap(
  configDirectory: string,
  table: string,
  keys: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  // proxymap's socket is Postfix's own; the table behind it answers as well, where we may read it.
  const direct = table.replace(/^(?:proxy:)+/, '');
  const argv = ['-c', configDirectory, '-q', '-', direct];
  return new Promise((resolve, reject) => {
    const child = execFile('postmap', argv, { timeout: LONGEST_MS }, (error, stdout, stderr) => {
      // Nothing found is exit 1 as well, but without a word.
      if (error === null || (error.code === 1 && stderr === '')) resolve(readAnswer(stdout));
      else reject(new Error(failure(['postmap', ...argv], error.message, stderr)));
    });
    child.stdin?.on('error', () => undefined);
    // A line break in a key would be two keys; no domain has one.
    child.stdin?.end(keys.filter((key) => !/[\r\n]/.test(key)).join('\n') + '\n');
  });
}

/** `key<TAB>value`, a line each. */
function readAnswer(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const line of text.split('\n')) {
    const tab = line.indexOf('\t');
    if (tab > 0) found.set(line.slice(0, tab), line.slice(tab + 1));
  }
  return found;
}
