/**
 * Reports from an IMAP mailbox: read in order, each told once its turn comes, and the place written
 * after it. A server that is away is tried again, later and later; it stops nothing else.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ImapConfig } from '../config/config.ts';
import { ImapMailbox, type ImapServer } from '../feedback/imap-mailbox.ts';
import type { MailReport } from '../feedback/mail-report.ts';
import { OLDEST_MS } from '../feedback/trust.ts';
import { reasonOf, type PaceLog } from '../pace/log.ts';
import { readImapPlace, writeImapPlace, type ImapPlace } from './imap-place.ts';

export interface ImapSourceParts {
  readonly stateDir: string;
  readonly log: PaceLog;
  readonly nowMs: () => number;
  /** undefined: no mailbox is read. */
  readonly settings: () => ImapConfig | undefined;
  /** What is told twice counts once. */
  readonly take: (raw: Uint8Array) => Promise<{ readonly kind: MailReport['kind'] }>;
  /** Whether one more may be taken now. */
  readonly mayTake: () => Promise<boolean>;
  readonly retry?: Retry;
}

/** The wait before a server that is away is tried again: the first, and doubled up to the last. */
export interface Retry {
  readonly firstMs: number;
  readonly lastMs: number;
}

/** How long without news until the server is asked. */
const POLL_MS = 60_000;
const RETRY: Retry = { firstMs: 5000, lastMs: 5 * 60_000 };
const FLOODED_MS = 1000;
/** Servers know the day a message came, in a time zone of their own. */
const DAY_MS = 24 * 3_600_000;

const AWAY = 'the IMAP mailbox cannot be read: reports wait there';

export class ImapSource {
  readonly #parts: ImapSourceParts;
  #place: ImapPlace | undefined;
  #running: { readonly config: ImapConfig; readonly end: () => Promise<void> } | undefined;
  readonly #retry: Retry;
  /** Tries that failed in a row. */
  #failures = 0;
  /** What was told of last; undefined: all is well. */
  #trouble: string | undefined;
  #staysTold = false;
  /** The mailbox that the UIDs below are of. */
  #about = '';
  /** Told, though the place is still before one that could not be read. */
  readonly #ahead = new Set<number>();
  /** Could not be read at the last try. */
  readonly #unread = new Set<number>();

  constructor(parts: ImapSourceParts) {
    this.#parts = parts;
    this.#retry = parts.retry ?? RETRY;
  }

  start(): void {
    const config = this.#parts.settings();
    if (config === undefined || this.#running !== undefined) return;
    const abort = new AbortController();
    const loop = this.#follow(config, abort.signal);
    const end = (): Promise<void> => {
      abort.abort();
      return loop;
    };
    this.#running = { config, end };
  }

  /** Settles when the message that is being told has been. */
  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.end();
  }

  /** After a reload. */
  async restart(): Promise<void> {
    const [before, now] = [this.#running?.config, this.#parts.settings()];
    if (JSON.stringify(before) === JSON.stringify(now)) return;
    await this.stop();
    this.#failures = 0;
    this.#trouble = undefined;
    this.#staysTold = false;
    this.start();
  }

  async #follow(config: ImapConfig, signal: AbortSignal): Promise<void> {
    const { stateDir, log } = this.#parts;
    this.#place = await readImapPlace(stateDir, (text) => log.warn({}, text));
    while (!signal.aborted) {
      try {
        await this.#session(config, signal);
      } catch (error) {
        if (signal.aborted) return;
        // Servers close connections as they like: it is trouble where the next try fails too.
        if (this.#failures > 0 && this.#trouble === undefined) {
          this.#trouble = reasonOf(error);
          log.warn({ ...named(config), error: this.#trouble }, AWAY);
        }
      }
      const { firstMs, lastMs } = this.#retry;
      const waitMs = Math.min(firstMs * 2 ** this.#failures, lastMs);
      this.#failures += 1;
      await sleep(waitMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Ends only by rejecting, or when it is told to. */
  async #session(config: ImapConfig, signal: AbortSignal): Promise<void> {
    const mailbox = await ImapMailbox.open(await serverOf(config), signal);
    try {
      while (!signal.aborted) {
        await this.#takeNew(mailbox, config, signal);
        if (signal.aborted) return;
        if (this.#trouble !== undefined) {
          this.#parts.log.info(named(config), 'the IMAP mailbox is read again');
        }
        this.#trouble = undefined;
        this.#failures = 0;
        await mailbox.news(POLL_MS);
      }
    } finally {
      mailbox.close();
    }
  }

  async #takeNew(mailbox: ImapMailbox, config: ImapConfig, signal: AbortSignal): Promise<void> {
    const { nowMs, mayTake } = this.#parts;
    const { uidValidity } = mailbox;
    const account = accountOf(config);
    const known = this.#place?.account === account && this.#place.uidValidity === uidValidity;
    const last = known ? (this.#place?.uid ?? 0) : 0;
    // What is older would not be believed.
    const since = new Date(nowMs() - OLDEST_MS - DAY_MS);
    const found = await mailbox.after(last, since);
    this.#lookAt(`${account} ${uidValidity}`, new Set(found));
    let passed = 0;
    for (const uid of this.#inTurn(found)) {
      while (!signal.aborted && !(await mayTake())) {
        await sleep(FLOODED_MS, undefined, { signal }).catch(() => undefined);
      }
      if (signal.aborted) return;
      await this.#take(mailbox, uid, config);
      this.#ahead.add(uid);
      const before = passed;
      while (this.#ahead.has(found[passed] ?? 0)) passed += 1;
      const reached = found[passed - 1];
      if (passed > before && reached !== undefined) {
        await this.#goOn({ account, uidValidity, uid: reached });
      }
    }
  }

  /** Forgets what is not there any more, or was in another mailbox. */
  #lookAt(about: string, found: ReadonlySet<number>): void {
    for (const uids of [this.#ahead, this.#unread]) {
      for (const uid of uids) if (about !== this.#about || !found.has(uid)) uids.delete(uid);
    }
    this.#about = about;
  }

  /** In order; what could not be read comes last, so that it keeps nobody else waiting. */
  #inTurn(found: readonly number[]): readonly number[] {
    const waiting = found.filter((uid) => !this.#ahead.has(uid));
    return [
      ...waiting.filter((uid) => !this.#unread.has(uid)),
      ...waiting.filter((uid) => this.#unread.has(uid)),
    ];
  }

  async #take(mailbox: ImapMailbox, uid: number, config: ImapConfig): Promise<void> {
    try {
      const raw = await mailbox.read(uid);
      if (raw !== undefined) await this.#tell(mailbox, uid, raw, config);
      this.#unread.delete(uid);
    } catch (error) {
      this.#unread.add(uid);
      throw new Error(`message ${uid}: ${reasonOf(error)}`, { cause: error });
    }
  }

  async #tell(
    mailbox: ImapMailbox,
    uid: number,
    raw: Uint8Array,
    { moveTo: folder }: ImapConfig,
  ): Promise<void> {
    const { take, log } = this.#parts;
    let kind: MailReport['kind'];
    try {
      ({ kind } = await take(raw));
    } catch (error) {
      // It must not keep those behind it from being read.
      log.error({ uid, error: reasonOf(error) }, 'a message in the IMAP mailbox could not be read');
      return;
    }
    // Somebody's letter stays where people look for it.
    if (kind === 'none') return;
    const error = await mailbox.move(uid);
    if (error === undefined || this.#staysTold) return;
    this.#staysTold = true;
    const fields = { uid, folder, error };
    log.warn(fields, 'the IMAP server does not move mail that was read: it stays where it is');
  }

  async #goOn(place: ImapPlace): Promise<void> {
    this.#place = place;
    // A full disk is reported by the books; what is read again then is known to have been told.
    await writeImapPlace(this.#parts.stateDir, place).catch(() => undefined);
  }
}

/** Read anew for each connection, so that a changed password holds from the next one on. */
async function serverOf(config: ImapConfig): Promise<ImapServer> {
  const { caFile, passwordFile, ...server } = config;
  const [password = ''] = (await readFile(passwordFile, 'utf8')).split('\n', 1);
  const ca = caFile === undefined ? undefined : await readFile(caFile, 'utf8');
  return { ...server, password: password.trimEnd(), ...(ca !== undefined && { ca }) };
}

function accountOf({ host, port, user, mailbox }: ImapConfig): string {
  return JSON.stringify([host, port, user, mailbox]);
}

function named({ host, port, mailbox }: ImapConfig): object {
  return { server: `${host}:${port}`, mailbox };
}
