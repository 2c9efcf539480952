/**
 * Keeps the tables of the reply filter: one for each transport that `postpace postfix reply-filter`
 * made, below the state directory, rewritten when its provider is stopped or open again.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { replyTable } from '../feedback/reply-table.ts';
import type { Rule } from '../feedback/rule.ts';
import type { MasterService } from '../postfix/master-service.ts';
import { replyTransport } from '../postfix/reply-transport.ts';

export interface ReplyTablesParts {
  readonly rules: readonly Rule[];
  readonly stateDir: string;
  /** Of master.cf, as they are now; the same list until it is read anew. */
  readonly services: () => readonly MasterService[];
  readonly notFinal: () => readonly string[];
  readonly isStopped: (provider: string) => boolean;
  readonly onTrouble: (error: unknown) => void;
}

/** Where the table of a provider is. */
export function replyTablePath(stateDir: string, provider: string): string {
  return join(stateDir, 'reply-filter', `${provider}.regexp`);
}

export class ReplyTables {
  readonly #parts: ReplyTablesParts;
  /** For what each file was written, since master.cf was read last: others may lay one anew. */
  readonly #written = new Map<string, string>();
  #services: readonly MasterService[] = [];
  #work = Promise.resolve();

  constructor(parts: ReplyTablesParts) {
    this.#parts = parts;
  }

  /** Writes what has changed; resolved, smtp(8) reads it from its next start on. Never rejects. */
  keep(): Promise<void> {
    this.#work = this.#work.then(() => this.#writeAll()).catch(this.#parts.onTrouble);
    return this.#work;
  }

  async #writeAll(): Promise<void> {
    const { rules, notFinal, isStopped, stateDir } = this.#parts;
    const services = this.#parts.services();
    if (services !== this.#services) this.#written.clear();
    this.#services = services;
    for (const service of services) {
      const found = replyTransport(service);
      if (found === undefined) continue;
      const { provider } = found;
      const path = replyTablePath(stateDir, provider);
      // Another daemon's, of another instance.
      if (found.path !== path) continue;
      const request = { provider, isStopped: isStopped(provider), notFinal: notFinal() };
      const what = JSON.stringify(request);
      if (this.#written.get(path) === what) continue;
      await write(path, replyTable(rules, request));
      this.#written.set(path, what);
    }
  }
}

async function write(path: string, text: string): Promise<void> {
  if ((await readFile(path, 'utf8').catch(() => undefined)) === text) return;
  await mkdir(dirname(path), { recursive: true });
  // Never half a table, and never none.
  await writeFile(`${path}.new`, text, { mode: 0o644 });
  await rename(`${path}.new`, path);
}
