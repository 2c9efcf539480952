/**
 * One connection to a mailbox over IMAP (RFC 9051): what came after a UID, each message up to a
 * bound, and the wait for more. The server's certificate is always checked. Messages keep their
 * flags; without a folder to move to the mailbox is opened for reading only (EXAMINE).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ImapFlow } from 'imapflow';
import { MOST_BYTES } from './report-part.ts';

export interface ImapServer {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte, or by STARTTLS. */
  readonly tls: 'tls' | 'starttls';
  /** Certificates to trust in place of the system's, as PEM. */
  readonly ca?: string;
  readonly user: string;
  readonly password: string;
  readonly mailbox: string;
  /** A folder that messages may be moved to; made if it is not there. */
  readonly moveTo?: string;
}

const ANSWER_MS = 10_000;
/** Longer than the longest wait for news, after which the server is asked. */
const QUIET_MS = 180_000;
const MOST_RESPONSE_BYTES = 8 * 1024 * 1024;

export class ImapMailbox {
  readonly #client: ImapFlow;
  readonly #moveTo: string | undefined;
  /** Why the folder to move to could not be made; it may be there all the same. */
  readonly #unmade: string | undefined;
  #hasNews = false;
  #wake = (): void => undefined;

  private constructor(client: ImapFlow, moveTo: string | undefined, unmade: string | undefined) {
    this.#client = client;
    this.#moveTo = moveTo;
    this.#unmade = unmade;
    client.on('exists', () => {
      this.#hasNews = true;
      this.#wake();
    });
    client.on('close', () => this.#wake());
  }

  /** Rejects with an Error that says what the server, the network or TLS had against it. */
  static async open(server: ImapServer, signal: AbortSignal): Promise<ImapMailbox> {
    const client = await clientOf(server);
    // Whoever waits for an answer is told too; unheard it would end the process.
    client.on('error', () => undefined);
    const end = (): void => client.close();
    signal.addEventListener('abort', end, { once: true });
    client.once('close', () => signal.removeEventListener('abort', end));
    try {
      signal.throwIfAborted();
      await client.connect();
      const { mailbox, moveTo } = server;
      const unmade = moveTo === undefined ? undefined : await make(client, moveTo);
      await client.mailboxOpen(mailbox, { readOnly: moveTo === undefined });
      return new ImapMailbox(client, moveTo, unmade);
    } catch (error) {
      client.close();
      throw worded(error);
    }
  }

  /** UIDs are those of one message for as long as this is the same. */
  get uidValidity(): string {
    const { mailbox } = this.#client;
    return mailbox === false ? '' : String(mailbox.uidValidity);
  }

  /** UIDs above `uid` of mail that came since that day, in order. */
  async after(uid: number, since: Date): Promise<readonly number[]> {
    const found = await this.#client.search({ uid: `${uid + 1}:*`, since }, { uid: true });
    if (!Array.isArray(found)) throw new Error('the server does not tell which mail is there');
    // `n:*` names the last message even where its UID is below n.
    return found.filter((one) => one > uid);
  }

  /**
   * The message up to MOST_BYTES, where its reader stops too; undefined: it is gone. Rejects with what
   * the server said where it does not give it.
   */
  async read(uid: number): Promise<Uint8Array | undefined> {
    const source = { start: 0, maxLength: MOST_BYTES };
    const message = await this.#client
      .fetchOne(String(uid), { uid: true, source }, { uid: true })
      .catch((error: unknown) => Promise.reject(worded(error)));
    this.#checkUsable();
    // NIL in place of it (Dovecot, of what was expunged meanwhile) comes as false, whatever its type says.
    if (message !== false && message.source instanceof Uint8Array) return message.source;
    // So does an answer that can't be read: it is gone if the server does not list it any more.
    await this.#client.noop();
    const found = await this.#client.search({ uid: String(uid) }, { uid: true });
    this.#checkUsable();
    if (Array.isArray(found) && !found.includes(uid)) return undefined;
    throw new Error('the server lists it and does not give it');
  }

  /** To the folder that was named, if one was. Resolves with why not where the server refuses to. */
  async move(uid: number): Promise<string | undefined> {
    if (this.#moveTo === undefined) return undefined;
    const moved = await this.#client.messageMove(String(uid), this.#moveTo, { uid: true });
    this.#checkUsable();
    return typeof moved === 'object' ? undefined : (this.#unmade ?? 'the server did not say why');
  }

  /** Settles when mail may have come, or after `atMostMs`; rejects when the connection is gone. */
  async news(atMostMs: number): Promise<void> {
    const timer = new AbortController();
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    if (!this.#hasNews && this.#client.usable) {
      // It ends with the next command; what it fails of, that command fails of too.
      this.#client.idle().catch(() => undefined);
      const late = sleep(atMostMs, undefined, { signal: timer.signal }).catch(() => undefined);
      await Promise.race([woken, late]);
    }
    timer.abort();
    this.#hasNews = false;
    // Asked before it is believed to be there still.
    await this.#client.noop();
    this.#checkUsable();
  }

  /** What comes of a command when the connection ends looks like an answer. */
  #checkUsable(): void {
    if (!this.#client.usable) throw new Error('the server closed the connection');
  }

  close(): void {
    this.#client.close();
  }
}

/** Loaded only where a mailbox is read. */
async function clientOf(server: ImapServer): Promise<ImapFlow> {
  const { ImapFlow: Client } = await import('imapflow');
  const { host, port, tls, ca, user, password } = server;
  return new Client({
    host,
    port,
    secure: tls === 'tls',
    ...(tls === 'starttls' && { doSTARTTLS: true }),
    tls: ca === undefined ? {} : { ca },
    auth: { user, pass: password },
    logger: false,
    clientInfo: { name: 'postpace' },
    disableAutoIdle: true,
    disableCompression: true,
    connectionTimeout: ANSWER_MS,
    greetingTimeout: ANSWER_MS,
    socketTimeout: QUIET_MS,
    maxLiteralSize: 2 * MOST_BYTES,
    maxLineLength: MOST_RESPONSE_BYTES,
    maxResponseSize: MOST_RESPONSE_BYTES,
  });
}

/**
 * What the server had against making the folder. Some say no more than that it is there already, in
 * words of their own (Exchange), so it is seen when something is moved.
 */
async function make(client: ImapFlow, folder: string): Promise<string | undefined> {
  try {
    await client.mailboxCreate(folder);
    return undefined;
  } catch (error) {
    const status = error instanceof Error && 'responseStatus' in error ? error.responseStatus : '';
    if (status !== 'NO' && status !== 'BAD') throw error;
    return worded(error).message;
  }
}

/** What the server said goes before what the library makes of it. */
function worded(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  const said = 'responseText' in error ? error.responseText : undefined;
  return typeof said === 'string' && said !== '' ? new Error(said, { cause: error }) : error;
}
