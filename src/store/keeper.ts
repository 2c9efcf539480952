/**
 * Keeps the books on disk: what changed is appended each second, or at once for those who wait for
 * it; the journal is rewritten in slices when it has grown. A disk that fails stops nothing: the
 * store goes on from memory, it is said once, and the first rewrite that succeeds ends it.
 */
import * as fsPromises from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { Books } from './books.ts';
import type { Ledger } from './ledger.ts';
import { Journal } from './journal.ts';
import type { Disk, Draft, Recovery } from './journal.ts';
import { encodeLine } from './line.ts';
import type { Line } from './line.ts';
import { Owed, SLICE } from './owed.ts';
import { accountLines, sliced } from './slices.ts';
import { hasSpace, makeStateDir, reason } from './state-dir.ts';
import { StoreError } from './store.ts';
import type { Demand } from './store.ts';

export interface KeeperOptions {
  readonly nowUs: () => number;
  readonly onTrouble: (what: string) => void;
  readonly disk?: Disk;
}

/** The journal's name in state_dir. */
export const JOURNAL = 'limits.journal';

const REWRITE_ABOVE_BYTES = 1 << 20;
/**
 * Longest that an answer to a mail server waits for its line, and anybody else: a disk that is
 * slower than that must not stall the mail. Only what is admitted while it is, and lost by a kill
 * before the line is written, is not remembered.
 */
const LONGEST_WAIT_MS = { answer: 15, other: 1000 } as const;

interface Stale {
  readonly accounts: Set<string>;
  readonly lines: string[];
}

export class Keeper implements Ledger {
  readonly #books: Books;
  readonly #journal: Journal;
  readonly #options: KeeperOptions;
  readonly #owed = new Owed();
  /** While the journal is rewritten: what changed after its line was made. */
  #stale: Stale | undefined;
  /** The file misses something: only a rewrite helps. */
  #broken = false;
  /** onTrouble was told of it. */
  #reported = false;
  #unsynced = false;
  /** Writes one after the other. */
  #writing: Promise<void> = Promise.resolve();
  #nextFlush: Promise<void> | undefined;
  #rewriting: Promise<void> | undefined;
  #syncing: Promise<void> | undefined;
  #baseBytes: number;

  private constructor(books: Books, journal: Journal, options: KeeperOptions) {
    this.#books = books;
    this.#journal = journal;
    this.#options = options;
    this.#baseBytes = journal.sizeBytes;
  }

  /** Fills the books from the journal. Rejects with StoreError: path and reason. */
  static async open(stateDir: string, books: Books, options: KeeperOptions): Promise<Keeper> {
    const disk = options.disk ?? fsPromises;
    const path = join(stateDir, JOURNAL);
    let opened: Awaited<ReturnType<typeof Journal.open>>;
    try {
      await makeStateDir(stateDir, disk);
      opened = await Journal.open(path, disk, (line) => books.apply(line));
    } catch (error) {
      throw new StoreError(`${path} can't be used: ${reason(error)}`, { cause: error });
    }
    const keeper = new Keeper(books, opened.journal, options);
    await keeper.#recover(opened.recovery);
    return keeper;
  }

  /** An admission, to be written. */
  admitted(name: string, demand: Demand, nowUs: number, passes: boolean): void {
    this.#stale?.accounts.add(name);
    if (!this.#broken) this.#owed.admitted(name, demand, nowUs, passes);
  }

  /** Any other change, to be written; `provider` where it is part of an account. */
  noted(provider: string | undefined, ...lines: readonly Line[]): void {
    const encoded = lines.map(encodeLine);
    if (provider !== undefined) this.#stale?.accounts.add(provider);
    else this.#stale?.lines.push(...encoded);
    if (!this.#broken) this.#owed.add(...encoded);
  }

  /** Resolves when everything noted so far is in the file, or can't be, or takes too long. */
  async written(whoWaits: keyof typeof LONGEST_WAIT_MS): Promise<void> {
    if (this.#broken) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      // A busy process finds the timer and the write done in one turn: the write comes first.
      timer = setTimeout(() => setImmediate(resolve), LONGEST_WAIT_MS[whoWaits]);
    });
    await Promise.race([this.#flush(), late]);
    clearTimeout(timer);
  }

  /** To be called each second. */
  tick(): void {
    void this.#flush();
    if (this.#unsynced && this.#syncing === undefined && !this.#broken) {
      this.#unsynced = false;
      this.#syncing = this.#journal
        .sync()
        .catch((error: unknown) => this.#fail(error))
        .finally(() => {
          this.#syncing = undefined;
        });
    }
    const limit = Math.max(REWRITE_ABOVE_BYTES, 2 * this.#baseBytes);
    if (this.#broken || this.#journal.sizeBytes > limit) void this.#rewrite();
  }

  /** Writes what is owed and the stop mark; without space for them the next start is an unclean one. */
  async close(): Promise<void> {
    await this.#rewriting;
    if (this.#broken) await this.#rewrite();
    await this.#flush();
    await this.#exclusively(async () => {
      if (!this.#broken) {
        await this.#journal.append(encodeLine(['stop', this.#options.nowUs()]));
        await this.#journal.sync();
      }
    });
    await this.#syncing;
    await this.#journal.close();
  }

  async #recover({ existed, clean, dropped, lastUs }: Recovery): Promise<void> {
    const nowUs = this.#options.nowUs();
    const unclean = existed && !clean;
    if (unclean) {
      const damage = dropped === 0 ? '' : `, ${dropped} damaged line(s) were left out`;
      const what = `no clean stop${damage}; every burst counts as spent`;
      this.#options.onTrouble(`${this.#journal.path}: ${what}`);
    }
    // The wall clock stepped back while we were down: for what is owed, time stood still.
    if (lastUs > nowUs) this.#books.shift(nowUs - lastUs);
    if (unclean) this.#books.uncleanUs = nowUs;
    if (lastUs > nowUs) {
      // Lines of the old clock and of the new one can't share a file.
      this.#broken = true;
      await this.#rewrite();
      return;
    }
    this.#owed.add(encodeLine(['time', nowUs]));
    if (unclean) this.#owed.add(encodeLine(['unclean', nowUs]));
    await this.#flush();
  }

  /** One flush for all who ask before it starts. */
  #flush(): Promise<void> {
    this.#nextFlush ??= this.#exclusively(async () => {
      // What else is admitted in this turn goes into the same write.
      await turn().then(() => (this.#nextFlush = undefined));
      for (let text = this.#next(); text !== ''; text = this.#next()) {
        await this.#journal.append(text);
        this.#unsynced = true;
      }
    });
    return this.#nextFlush;
  }

  #exclusively(work: () => Promise<void>): Promise<void> {
    this.#writing = this.#writing.then(work).catch((error: unknown) => this.#fail(error));
    return this.#writing;
  }

  #next(): string {
    return this.#owed.next(this.#books, this.#options.nowUs());
  }

  #fail(error: unknown): void {
    this.#broken = true;
    this.#owed.clear();
    if (this.#reported) return;
    this.#reported = true;
    this.#options.onTrouble(
      `${this.#journal.path} can't be written (${reason(error)}): pacing goes on from memory, ` +
        'but a restart now would forget what was sent since',
    );
  }

  #rewrite(): Promise<void> {
    this.#rewriting ??= this.#rewritten()
      .catch((error: unknown) => {
        // As long as the old file can be appended to, nothing is missing: try again when it has
        // doubled.
        if (this.#broken) this.#fail(error);
        else this.#baseBytes = this.#journal.sizeBytes;
      })
      .finally(() => {
        this.#rewriting = undefined;
        this.#stale = undefined;
      });
    return this.#rewriting;
  }

  async #rewritten(): Promise<void> {
    const { disk = fsPromises } = this.#options;
    if (this.#reported && !(await hasSpace(this.#journal.path, this.#baseBytes, disk))) return;
    const stale = { accounts: new Set<string>(), lines: [] as string[] };
    this.#stale = stale;
    const lines = this.#books.lines(this.#options.nowUs());
    const draft = await this.#journal.draft();
    try {
      for (const text of sliced(lines)) await draft.append(text);
      while (stale.accounts.size > SLICE)
        await draft.append(accountLines(this.#books, stale.accounts));
    } catch (error) {
      await draft.discard().catch(() => undefined);
      throw error;
    }
    await this.#exclusively(() => this.#install(draft, stale));
  }

  /** The last changes and the new file in the old one's place; nothing is appended meanwhile. */
  async #install(draft: Draft, stale: Stale): Promise<void> {
    let text = '';
    while (stale.accounts.size > 0) text += accountLines(this.#books, stale.accounts);
    text += stale.lines.join('');
    // The new file holds all that is owed now; what comes from here on is appended to it.
    this.#stale = undefined;
    this.#owed.clear();
    this.#broken = false;
    try {
      await draft.append(text);
      await draft.install();
    } catch (error) {
      await draft.discard().catch(() => undefined);
      throw error;
    }
    this.#baseBytes = this.#journal.sizeBytes;
    if (this.#reported) this.#options.onTrouble(`${this.#journal.path} is written again`);
    this.#reported = false;
  }
}
