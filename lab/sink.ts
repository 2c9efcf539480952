/**
 * An SMTP server that plays a mailbox provider on loopback: it answers as its rule says and keeps
 * a record of every recipient it accepted or refused. It never stores a message's body.
 */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { portOf } from './port.ts';
import { headersOf, linesOf } from './smtp-text.ts';
import { nowMs } from './wait.ts';

/** Where in the dialogue the sink is asked; `end` is the dot after the message. */
export type Stage = 'connect' | 'mail' | 'rcpt' | 'data' | 'end';

export interface Question {
  readonly stage: Stage;
  /** Milliseconds since the epoch, with fractions. */
  readonly atMs: number;
  readonly sender: string;
  /** At rcpt the one asked about, at data and end all that were accepted. */
  readonly recipients: readonly string[];
  /** Only at end. */
  readonly headers: ReadonlyMap<string, string>;
  /** Simultaneous connections, this one counted. */
  readonly connections: number;
}

/** A reply that refuses (`451 4.7.1 slow down`), or undefined to accept. 421 also hangs up. */
export type Rule = (question: Question) => string | undefined;

/** One recipient of one message that the sink accepted. */
export interface Delivery {
  /** When the dot was answered with 250: milliseconds since the epoch, with fractions. */
  readonly atMs: number;
  /** When its MAIL FROM came: nearest to when the queue manager sent it. */
  readonly mailAtMs: number;
  readonly recipient: string;
  readonly sender: string;
  /** X-Serial, else Message-ID, else ''. */
  readonly serial: string;
  /** Lower-case name -> first value. */
  readonly headers: ReadonlyMap<string, string>;
  readonly sizeBytes: number;
  /** Number of the connection, from 1. */
  readonly connection: number;
}

export interface SinkRefusal {
  readonly atMs: number;
  readonly stage: Stage;
  readonly reply: string;
  readonly sender: string;
  readonly recipients: readonly string[];
}

export interface SinkOptions {
  readonly host?: string;
  /** Default: any free one. */
  readonly port?: number;
  /** The name in its greeting; must not be Postfix's own. */
  readonly name?: string;
  readonly rule?: Rule;
  /** More connections than this at once are answered 421. */
  readonly mostConnections?: number;
  /** Wait before the dot is answered: a slow provider. */
  readonly latencyMs?: number;
}

export class Sink {
  readonly host: string;
  readonly name: string;
  /** Each may be changed at any time. */
  rule: Rule | undefined;
  mostConnections: number;
  latencyMs: number;
  readonly deliveries: Delivery[] = [];
  readonly refusals: SinkRefusal[] = [];
  /** Simultaneous connections: now, the most there were, and all that came. */
  readonly connections = { now: 0, most: 0, total: 0 };
  #port: number;
  #server: Server | undefined;
  readonly #sockets = new Set<Socket>();

  constructor(options: SinkOptions = {}) {
    this.host = options.host ?? '127.0.0.1';
    this.name = options.name ?? 'sink.test';
    this.rule = options.rule;
    this.mostConnections = options.mostConnections ?? Infinity;
    this.latencyMs = options.latencyMs ?? 0;
    this.#port = options.port ?? 0;
  }

  /** The port, the same after close() and listen(). */
  get port(): number {
    return this.#port;
  }

  /** Starts to listen; also to come back after close(). */
  async listen(): Promise<void> {
    const server = createServer({ noDelay: true }, (socket) => void this.#serve(socket));
    server.listen({ port: this.#port, host: this.host, backlog: 511 });
    await once(server, 'listening');
    this.#port = portOf(server);
    this.#server = server;
  }

  /** Hangs up and refuses connections until listen(); the records stay. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #serve(socket: Socket): Promise<void> {
    this.#sockets.add(socket);
    this.connections.total += 1;
    this.connections.now += 1;
    this.connections.most = Math.max(this.connections.most, this.connections.now);
    socket.on('error', () => {});
    try {
      await this.#talk(socket, this.connections.total);
    } catch (error) {
      // The other side may hang up at any point; whatever else fails here is a bug.
      if (!(error instanceof Error && 'code' in error)) throw error;
    } finally {
      this.connections.now -= 1;
      this.#sockets.delete(socket);
      socket.destroy();
    }
  }

  async #talk(socket: Socket, connection: number): Promise<void> {
    const say = (reply: string) => socket.write(`${reply}\r\n`);
    const greeting = this.#ask('connect', '', [], new Map());
    if (greeting !== undefined) return void socket.end(`${greeting}\r\n`);
    say(`220 ${this.name} ESMTP`);
    let mail = false;
    let sender = '';
    let mailAtMs = 0;
    let recipients: string[] = [];
    const units = linesOf(socket);
    for (let unit = await units.next(false); !unit.done; unit = await units.next(false)) {
      const line = unit.value.text;
      const verb = line.slice(0, 4).toUpperCase();
      let refused: string | undefined;
      if (verb === 'EHLO')
        say(`250-${this.name}\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8`);
      else if (verb === 'MAIL') {
        sender = address(line);
        mailAtMs = nowMs();
        recipients = [];
        refused = this.#ask('mail', sender, [], new Map());
        mail = refused === undefined;
        say(refused ?? '250 2.1.0 Ok');
      } else if (verb === 'RCPT' && !mail) {
        // Pipelined behind a MAIL that was refused.
        say('503 5.5.1 Error: need MAIL command');
      } else if (verb === 'RCPT') {
        const recipient = address(line);
        refused = this.#ask('rcpt', sender, [recipient], new Map());
        if (refused === undefined) recipients.push(recipient);
        say(refused ?? '250 2.1.5 Ok');
      } else if (verb === 'DATA') {
        if (recipients.length === 0) refused = '554 5.5.1 No valid recipients';
        else refused = this.#ask('data', sender, recipients, new Map());
        say(refused ?? '354 End data with <CR><LF>.<CR><LF>');
        if (refused !== undefined) continue;
        const content = await units.next(true);
        if (content.done) return;
        const message = content.value.text;
        if (this.latencyMs > 0) await sleep(this.latencyMs);
        // Hung up in the meantime: nobody would learn that it was taken.
        if (socket.destroyed) return;
        const headers = headersOf(message);
        refused = this.#ask('end', sender, recipients, headers);
        const atMs = nowMs();
        if (refused === undefined) {
          const serial = headers.get('x-serial') ?? headers.get('message-id') ?? '';
          const sizeBytes = message.length;
          const common = { atMs, mailAtMs, sender, serial, headers, sizeBytes, connection };
          for (const recipient of recipients) this.deliveries.push({ ...common, recipient });
        }
        say(refused ?? '250 2.0.0 Ok: taken');
        recipients = [];
      } else if (verb === 'QUIT') {
        return void socket.end('221 2.0.0 Bye\r\n');
      } else if (verb === 'RSET' || verb === 'NOOP' || verb === 'HELO') {
        if (verb === 'RSET') recipients = [];
        say('250 2.0.0 Ok');
      } else say('500 5.5.2 Command not recognized');
      if (refused?.startsWith('421') === true) return void socket.end();
    }
  }

  #ask(
    stage: Stage,
    sender: string,
    recipients: readonly string[],
    headers: ReadonlyMap<string, string>,
  ): string | undefined {
    const atMs = nowMs();
    const connections = this.connections.now;
    const full = stage === 'connect' && connections > this.mostConnections;
    const reply = full
      ? '421 4.7.0 Too many connections'
      : this.rule?.({ stage, atMs, sender, recipients, headers, connections });
    if (reply !== undefined) {
      this.refusals.push({ atMs, stage, reply, sender, recipients: [...recipients] });
    }
    return reply;
  }
}

/** A sink that listens. */
export async function startSink(options: SinkOptions = {}): Promise<Sink> {
  const sink = new Sink(options);
  await sink.listen();
  return sink;
}

function address(line: string): string {
  return /<([^>]*)>/.exec(line)?.[1] ?? '';
}
