/**
 * Lookups in Postfix's tables, through `postmap -q`: a process of some 20 ms. So there is one a table
 * at a time: what is asked meanwhile is asked together by the next.
 */
import { Postmap } from './postmap.ts';

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
      table = new Table(new Postmap(configDirectory, name));
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
  readonly #postmap: Postmap;
  #waiting: Question[] = [];
  #isBusy = false;

  constructor(postmap: Postmap) {
    this.#postmap = postmap;
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
        const found = await this.#postmap.ask([...keys]);
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
