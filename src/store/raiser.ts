/**
 * Tells Redis what it does not know: what was admitted while it was away, and whole accounts that it
 * lost. One message at a time, and each until it is answered, so that nothing is charged twice.
 */
import { emptyAccount } from './account.ts';
import type { Account } from './account.ts';
import type { Books } from './books.ts';
import { noArrears } from './meanwhile.ts';
import type { Meanwhile } from './meanwhile.ts';
import type { Raised } from './redis-raise.ts';
import type { RedisTakes } from './redis-takes.ts';
import { StoreError } from './store.ts';

/** Accounts in one message. */
const MOST = 50;
/** Its clock is known after the first that comes too late by it. */
const ATTEMPTS = 3;

interface Message {
  readonly serial: string;
  readonly accounts: readonly Raised[];
}

export class Raiser {
  readonly #books: Books;
  readonly #meanwhile: Meanwhile;
  readonly #nowUs: () => number;
  /** Names of accounts that Redis has lost. */
  readonly #lost = new Set<string>();
  /** Not answered yet: it may have been done. */
  #unanswered: Message | undefined;
  #restoring: Promise<void> | undefined;
  #serial: number;

  constructor(books: Books, meanwhile: Meanwhile, nowUs: () => number) {
    this.#books = books;
    this.#meanwhile = meanwhile;
    this.#nowUs = nowUs;
    // Never the same in two runs of the daemon.
    this.#serial = nowUs();
  }

  /** More than one message is to be told. */
  get isFarBehind(): boolean {
    return this.#meanwhile.size > MOST;
  }

  /** The account is in Redis again when this settles. Rejects with StoreError. */
  restore(takes: RedisTakes, name: string): Promise<void> {
    this.#lost.add(name);
    this.#restoring ??= this.#restoreAll(takes).finally(() => {
      this.#restoring = undefined;
    });
    return this.#restoring;
  }

  /** Tells some of it, at the least that this host is there. Rejects with StoreError. */
  async tell(takes: RedisTakes): Promise<void> {
    this.#unanswered ??= this.#next();
    const message = this.#unanswered;
    const { serial, accounts } = message;
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const births = await takes.raise(serial, accounts, this.#nowUs());
      if (births === undefined) continue;
      if (this.#unanswered === message) this.#unanswered = undefined;
      for (const [i, { arrears }] of accounts.entries()) {
        const account = this.#books.account(arrears.name);
        if (account !== undefined) account.bornUs = births[i] ?? 0;
      }
      return;
    }
    throw new StoreError('the clock of Redis does not stand still');
  }

  /** All of it; the first message is on its way when this returns. Rejects with StoreError. */
  async tellRest(takes: RedisTakes): Promise<void> {
    while (this.#unanswered !== undefined || this.#meanwhile.size > 0) await this.tell(takes);
  }

  async #restoreAll(takes: RedisTakes): Promise<void> {
    while (this.#lost.size > 0) await this.tell(takes);
  }

  #next(): Message {
    const arrears = [...this.#meanwhile.take(MOST)];
    for (const { name } of arrears) this.#lost.delete(name);
    for (const name of this.#lost) {
      if (arrears.length >= MOST) break;
      arrears.push(noArrears(name));
      this.#lost.delete(name);
    }
    const accounts = arrears.map((one) => {
      const account = snapshot(this.#books.account(one.name));
      return { arrears: one, account, bornUs: account.bornUs };
    });
    this.#serial += 1;
    return { serial: String(this.#serial), accounts };
  }
}

function snapshot(account: Account = emptyAccount()): Account {
  return {
    ...account,
    history: [...account.history],
    passed: account.passed && [...account.passed],
    inFlight: account.inFlight && new Map(account.inFlight),
  };
}
