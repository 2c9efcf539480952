/**
 * Lookups in Postfix's tables, through `postmap -q`: a process of some 20 ms, and of a few in which
 * ours does nothing else. So there is one a table at a time: what is asked meanwhile is asked
 * together by the next.
 */
import { execFile } from 'node:child_process';
import { failure } from './command.ts';

const LONGEST_MS = 10_000;
/** Keys of several questions that are asked together: some tables are slow, and all wait. */
const MOST_KEYS = 100;

/** The values of those keys that the table has. Rejects when it can't be read. */
export type LookUp = (
  table: string,
  keys: readonly string[],
) => Promise<ReadonlyMap<string, string>>;

/** `table` as main.cf has it: `hash:/etc/postfix/relay`, `inline:{ a=b }`. */
export function tableReader(configDirectory: string): LookUp {
  const tables = new Map<string, Table>();
  return (name, keys) => {
    let table = tables.get(name);
    if (table === undefined) {
      table = new Table((all) => postmap(configDirectory, name, all));
      tables.set(name, table);
    }
    return table.ask(keys);
  };
}

type Answer = ReadonlyMap<string, string>;

interface Question {
  readonly keys: readonly string[];
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** One table: a process at a time. */
class Table {
  readonly #look: (keys: readonly string[]) => Promise<Answer>;
  #waiting: Question[] = [];
  #isBusy = false;

  constructor(look: (keys: readonly string[]) => Promise<Answer>) {
    this.#look = look;
  }

  ask(keys: readonly string[]): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ keys, resolve, reject });
      if (!this.#isBusy) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    while (this.#waiting.length > 0) {
      const asked = this.#next();
      const keys = new Set(asked.flatMap((question) => question.keys));
      try {
        const found = await this.#look([...keys]);
        for (const question of asked) question.resolve(only(found, question.keys));
      } catch (error) {
        for (const question of asked) question.reject(error);
      }
    }
    this.#isBusy = false;
  }

  /** The oldest question, and those behind it that fit. */
  #next(): readonly Question[] {
    let keys = 0;
    const end = this.#waiting.findIndex((question, index) => {
      keys += question.keys.length;
      return index > 0 && keys > MOST_KEYS;
    });
    return this.#waiting.splice(0, end < 0 ? this.#waiting.length : end);
  }
}

function only(found: Answer, keys: readonly string[]): Answer {
  return new Map(
    keys.flatMap((key) => {
      const value = found.get(key);
      return value === undefined ? [] : [[key, value]];
    }),
  );
}

function postmap(configDirectory: string, table: string, keys: readonly string[]): Promise<Answer> {
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
function readAnswer(text: string): Answer {
  const found = new Map<string, string>();
  for (const line of text.split('\n')) {
    const tab = line.indexOf('\t');
    if (tab > 0) found.set(line.slice(0, tab), line.slice(tab + 1));
  }
  return found;
}
