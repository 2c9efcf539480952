/** When postpace let each message go, read from its store's journal while it runs. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeLine } from '../../src/store/line.ts';

export class Admissions {
  readonly #file: string;
  /** Provider -> queue id -> milliseconds since the epoch. */
  readonly #times = new Map<string, Map<string, number>>();

  constructor(stateDir: string) {
    this.#file = join(stateDir, 'limits.journal');
  }

  /** The journal is rewritten now and then, so this is called often. */
  async read(): Promise<void> {
    const text = await readFile(this.#file, 'utf8').catch(() => '');
    for (const line of text.split('\n').map(decodeLine)) {
      if (line?.[0] !== 'flight') continue;
      const [, provider, id, atUs] = line;
      const times = this.#times.get(provider) ?? new Map<string, number>();
      this.#times.set(provider, times);
      // A message has `host/queue-id` for its name in the store.
      times.set(id.slice(id.lastIndexOf('/') + 1), atUs / 1000);
    }
  }

  of(provider: string): ReadonlyMap<string, number> {
    return this.#times.get(provider) ?? new Map<string, number>();
  }
}
