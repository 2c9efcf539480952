/**
 * Two connections: one for commands, one on which changes are told. Every failure is a StoreError,
 * and soon; nothing waits in a queue for better times.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { inTime } from './deadline.ts';
import type { Script } from './redis-scripts.ts';
import { createClient, describe } from './redis-server.ts';
import type { Client, RedisServer } from './redis-server.ts';
import { StoreError } from './store.ts';

export interface ConnectionEvents {
  /** It answers again after it was gone, or another server answers in its place. */
  readonly onReturn: () => void;
  /** Something was told on the channel. */
  readonly onTold: (message: string) => void;
}

const REVIVE_MS = 250;

export class RedisConnection {
  readonly #name: string;
  readonly #commands: Client;
  readonly #changes: Client;
  readonly #answerMs: number;
  #lastError: string | undefined;
  #closed = false;

  private constructor(server: RedisServer, answerMs: number) {
    this.#answerMs = answerMs;
    this.#name = describe(server);
    this.#commands = createClient(server, 'commands');
    this.#changes = createClient(server, 'changes');
    for (const client of [this.#commands, this.#changes]) {
      client.on('error', (error: Error) => {
        this.#lastError = error.message;
      });
      client.on('ready', () => {
        this.#lastError = undefined;
      });
      client.on('end', () => this.#reviveLater(client));
    }
  }

  /**
   * Rejects with StoreError when it does not answer within `openMs`. `answerMs`: how long each
   * command is waited for.
   */
  static async open(
    server: RedisServer,
    channel: string,
    events: ConnectionEvents,
    { answerMs, openMs }: { readonly answerMs: number; readonly openMs: number },
  ): Promise<RedisConnection> {
    const connection = new RedisConnection(server, answerMs);
    try {
      await connection.#connect(channel, events, openMs);
      return connection;
    } catch (error) {
      connection.close();
      throw connection.#error(error);
    }
  }

  /** Runs a script once. Rejects with StoreError; whether it ran then is not known. */
  async run(
    script: Script,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown> {
    if (this.#closed) throw new StoreError('the Redis store is closed');
    try {
      return await inTime(this.#answerMs, () =>
        this.#commands.evalsha(script.sha, keys.length, ...keys, ...args),
      );
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) {
        throw this.#error(error);
      }
    }
    // A server that does not know the script has not run it.
    return this.ask((client) => client.eval(script.text, keys.length, ...keys, ...args));
  }

  /** Any other command. Rejects with StoreError. */
  async ask<T>(command: (client: Client) => Promise<T>): Promise<T> {
    if (this.#closed) throw new StoreError('the Redis store is closed');
    try {
      return await inTime(this.#answerMs, () => command(this.#commands));
    } catch (error) {
      throw this.#error(error);
    }
  }

  /** A new connection: this one may lead nowhere, which TCP would find out in a quarter of an hour. */
  reconnect(): void {
    this.#lastError = `no answer within ${this.#answerMs} ms`;
    for (const client of [this.#commands, this.#changes]) {
      if (client.status === 'ready') client.disconnect(true);
    }
  }

  /** Redis's own clock, µs since the epoch. Rejects with StoreError. */
  async nowUs(): Promise<number> {
    const [sec, us] = await this.ask((client) => client.time());
    return Number(sec) * 1e6 + Number(us);
  }

  close(): void {
    this.#closed = true;
    this.#disconnect();
  }

  async #connect(channel: string, events: ConnectionEvents, openMs: number): Promise<void> {
    const late = new AbortController();
    const timeout = sleep(openMs, undefined, { signal: late.signal }).then(() => {
      throw new Error(this.#lastError ?? `no answer within ${openMs / 1000} s`);
    });
    try {
      await Promise.race([this.#ready(), timeout]);
    } finally {
      late.abort();
      timeout.catch(() => undefined);
    }
    this.#commands.on('ready', events.onReturn);
    this.#changes.on('message', (_channel: string, message: string) => events.onTold(message));
    const subscribe = (): void => {
      // What is not told is read a second later at the latest.
      this.#changes.subscribe(channel).catch(() => undefined);
    };
    this.#changes.on('ready', subscribe);
    await this.#changes.subscribe(channel);
  }

  /** A first attempt that fails is followed by others, until open gives up. */
  async #ready(): Promise<void> {
    await Promise.all(
      [this.#commands, this.#changes].map(async (client) => {
        const ready = new Promise<void>((resolve) => client.once('ready', () => resolve()));
        client.connect().catch((error: unknown) => {
          this.#lastError ??= String(error);
        });
        await ready;
      }),
    );
  }

  /**
   * ioredis gives up where a failover is told while it connects, and where all nodes of a Cluster
   * are gone. We don't.
   */
  #reviveLater(client: Client): void {
    setTimeout(() => {
      if (!this.#closed) client.connect().catch(() => undefined);
    }, REVIVE_MS).unref();
  }

  #disconnect(): void {
    this.#commands.disconnect();
    this.#changes.disconnect();
  }

  #error(error: unknown): StoreError {
    const reason = error instanceof Error ? error.message : String(error);
    const lost =
      /Stream isn't writeable|Connection is closed|max retries per request|offline queue/i;
    const text = lost.test(reason) ? `not connected${because(this.#lastError)}` : reason;
    return new StoreError(`${this.#name}: ${text}`, { cause: error });
  }
}

function because(error: string | undefined): string {
  return error === undefined || error === '' ? '' : ` (${error})`;
}
