/** What is not in the journal yet. */
import { recordAdmission } from '../limit/history.ts';
import { rememberedSpans } from './account.ts';
import type { Books } from './books.ts';
import { encodeLine } from './line.ts';
import type { Demand } from './store.ts';

/** Lines made at a time, so that nobody waits long for the processor. */
export const SLICE = 500;

export class Owed {
  readonly #admissions = new Map<string, { readonly added: number[]; readonly passed: number[] }>();
  #lines: string[] = [];

  /** Admissions of an account become one line, and share slots as they do in its history. */
  admitted(name: string, demand: Demand, nowUs: number, passes: boolean): void {
    let owed = this.#admissions.get(name);
    if (owed === undefined) {
      owed = { added: [], passed: [] };
      this.#admissions.set(name, owed);
    }
    const pairs = passes ? owed.passed : owed.added;
    const spans = rememberedSpans(demand);
    if (spans.length > 0) recordAdmission(pairs, nowUs, demand.recipients, spans);
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
    for (const [name, { added, passed }] of this.#admissions) {
      this.#admissions.delete(name);
      const account = books.account(name);
      if (account === undefined) continue;
      const { tatUs, intervalUs, keepSec } = account;
      text += encodeLine(['sent', name, tatUs, intervalUs, keepSec, added, passed]);
      made += 1;
      if (made === SLICE) break;
    }
    return text;
  }
}
