/**
 * Lookups in Postfix's tables, through `postmap -q`, remembered for a while: a process a lookup
 * costs some 20 ms, and the same few destinations come again and again.
 */
import { execFile } from 'node:child_process';
import { failure } from './command.ts';

const REMEMBERED_MS = 10 * 60 * 1000;
/** An error is tried again sooner. */
const ERROR_REMEMBERED_MS = 30 * 1000;
const MOST = 20_000;
const LONGEST_MS = 10_000;

interface Remembered {
  readonly found: Promise<string | undefined>;
  untilMs: number;
}

export class Lookups {
  readonly #configDirectory: string;
  readonly #now: () => number;
  readonly #known = new Map<string, Remembered>();

  /** `now`: milliseconds since the epoch. */
  constructor(configDirectory: string, now: () => number) {
    this.#configDirectory = configDirectory;
    this.#now = now;
  }

  /** The value of a key in `type:name`; undefined: none. Rejects when the table can't be read. */
  find(table: string, key: string): Promise<string | undefined> {
    const name = `${table}\n${key}`;
    const known = this.#known.get(name);
    if (known !== undefined && known.untilMs > this.#now()) return known.found;
    const found = postmap(this.#configDirectory, table, key);
    const entry: Remembered = { found, untilMs: this.#now() + REMEMBERED_MS };
    found.catch(() => (entry.untilMs = this.#now() + ERROR_REMEMBERED_MS));
    this.#known.delete(name);
    this.#known.set(name, entry);
    const oldest = this.#known.size > MOST ? this.#known.keys().next() : undefined;
    if (oldest?.done === false) this.#known.delete(oldest.value);
    return found;
  }
}

function postmap(configDirectory: string, table: string, key: string): Promise<string | undefined> {
  // proxymap's socket is Postfix's own; the table behind it answers as well, where we may read it.
  const direct = table.replace(/^(?:proxy:)+/, '');
  const argv = ['-c', configDirectory, '-q', key, direct];
  return new Promise((resolve, reject) => {
    execFile('postmap', argv, { timeout: LONGEST_MS }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout.replace(/\n$/, ''));
      // "Not found" is exit 1 as well, but without a word.
      else if (error.code === 1 && stderr === '') resolve(undefined);
      else reject(new Error(failure(['postmap', ...argv], error.message, stderr)));
    });
  });
}
