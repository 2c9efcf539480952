/** What is not in the journal yet. */
import { recordAdmission, spansOf } from '../limit/history.ts';
import type { Books } from './books.ts';
import { encodeLine } from './line.ts';
import type { Demand } from './store.ts';

/** Lines made at a time, so that nobody waits long for the processor. */
export const SLICE = 500;

export class Owed {
  readonly #admissions = new Map<string, { readonly added: number[]; readonly passed: number[] }>();
  #lines: string[] = [];

  /** Admissions of a provider become one line, and share slots as they do in its history. */
  admitted({ provider, recipients, limits }: Demand, nowUs: number, passes: boolean): void {
    let owed = this.#admissions.get(provider);
    if (owed === undefined) {
      owed = { added: [], passed: [] };
      this.#admissions.set(provider, owed);
    }
    const pairs = passes ? owed.passed : owed.added;
    recordAdmission(pairs, nowUs, recipients, spansOf(limits.quotas));
  }

  /** Encoded lines, to be written as they are. */
  add(...lines: readonly string[]): void {
    this.#lines.push(...lines);
  }

  clear(): void {
    this.#admissions.clear();
    this.#lines = [];
  }

  /** Takes the next slice as text; '' when nothing is owed. */
  next(books: Books, nowUs: number): string {
    if (this.#admissions.size === 0 && this.#lines.length === 0) return '';
    let text = encodeLine(['time', nowUs]) + this.#lines.splice(0, SLICE).join('');
    let made = 0;
    for (const [provider, { added, passed }] of this.#admissions) {
      this.#admissions.delete(provider);
      const account = books.accounts.get(provider);
      if (account === undefined) continue;
      const { tatUs, intervalUs, keepSec } = account;
      text += encodeLine(['sent', provider, tatUs, intervalUs, keepSec, added, passed]);
      made += 1;
      if (made === SLICE) break;
    }
    return text;
  }
}
