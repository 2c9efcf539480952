/**
 * A milter on sockets: accepts connections, carries their bytes, and closes them in order.
 *
 *     const milter = createMilter({
 *       on: { connect() {}, mail() {}, rcpt() {}, data() {}, eom(event) { … } },
 *     });
 *     await milter.listen({ path: '/run/example/milter.sock', mode: 0o660 });
 */
import { createServer, type Server, type Socket } from 'node:net';
import { Connection, serviceOf, type Service } from './connection.ts';
import { connectionsMost } from './descriptors.ts';
import { listenOn, type ListenAddress } from './listener.ts';
import type { MilterOptions } from './options.ts';

export interface Counters {
  /** Connections now open. */
  readonly open: number;
  /** Connections accepted since the start. */
  readonly sessions: number;
  /** Messages whose end was answered since the start. */
  readonly messages: number;
}

export interface Milter {
  readonly counters: Counters;
  /** Options for connections that come from now on. TypeError as createMilter. */
  replace<C, T>(options: MilterOptions<C, T>): void;
  /** May be called for several addresses. Resolves to the address bound, the port filled in. */
  listen(address: ListenAddress): Promise<ListenAddress>;
  /**
   * Accepts no more connections and waits up to `ms` for those there are; then closes what is
   * left. To Postfix a connection closed between two messages is an error, so the time is used.
   */
  drain(ms: number): Promise<void>;
  /** Closes everything at once. */
  close(): Promise<void>;
}

/** TypeError for options that contradict themselves. */
export function createMilter<C = undefined, T = undefined>(options: MilterOptions<C, T>): Milter {
  return new MilterServer(serviceOf(options));
}

class MilterServer implements Milter {
  #service: Service;
  /** Of services that were replaced. */
  #formerMessages = 0;
  readonly #servers = new Set<Server>();
  readonly #sockets = new Map<Socket, Connection>();
  readonly #mostSockets: number;
  #sessions = 0;
  #isFull = false;
  /** Called when the last connection has closed. */
  #onEmpty: (() => void) | undefined;

  constructor(service: Service) {
    this.#service = service;
    this.#mostSockets = service.limits.sessions || connectionsMost();
  }

  get counters(): Counters {
    return {
      open: this.#sockets.size,
      sessions: this.#sessions,
      messages: this.#formerMessages + this.#service.messages,
    };
  }

  replace<C, T>(options: MilterOptions<C, T>): void {
    const service = serviceOf(options);
    this.#formerMessages += this.#service.messages;
    this.#service = service;
  }

  async listen(address: ListenAddress): Promise<ListenAddress> {
    const server = createServer({ noDelay: true });
    // Before it listens: nobody may slip in while the file's mode is set.
    server.on('connection', (socket) => this.#accept(socket));
    await listenOn(server, address);
    this.#servers.add(server);
    // What accept could not do. The listener goes on.
    server.on('error', (error) => this.#fault(error));
    const bound = server.address();
    return 'host' in address && bound !== null && typeof bound === 'object'
      ? { host: address.host, port: bound.port }
      : address;
  }

  async drain(ms: number): Promise<void> {
    this.#stopListening();
    if (this.#sockets.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#onEmpty = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    await this.close();
  }

  async close(): Promise<void> {
    this.#stopListening();
    const closed = [...this.#sockets].map(
      ([socket, connection]) =>
        new Promise((resolve) => {
          socket.once('close', resolve);
          connection.hangUp();
          socket.destroy();
        }),
    );
    await Promise.all(closed);
  }

  #stopListening(): void {
    for (const server of this.#servers) server.close();
    this.#servers.clear();
  }

  #fault(error: Error): void {
    this.#service.options.onFault?.(error, 'listener');
  }

  #accept(socket: Socket): void {
    if (this.#sockets.size >= this.#mostSockets) {
      socket.destroy();
      // Told once, until there is room again: a flood would flood the log as well.
      if (!this.#isFull) this.#fault(new Error(`more than ${this.#mostSockets} connections`));
      this.#isFull = true;
      return;
    }
    this.#isFull = false;
    this.#sessions++;
    const connection = new Connection(this.#service, socket);
    this.#sockets.set(socket, connection);
    socket.on('data', (chunk: Buffer) => connection.receive(chunk));
    socket.on('drain', () => connection.drained());
    socket.on('end', () => connection.hangUp());
    // A reset says no more than a close does, and comes before it.
    socket.on('error', () => connection.hangUp());
    socket.on('close', () => {
      connection.hangUp();
      this.#sockets.delete(socket);
      if (this.#sockets.size === 0) this.#onEmpty?.();
    });
    const { idleMs } = this.#service.limits;
    if (idleMs > 0) socket.setTimeout(idleMs, () => socket.destroy());
  }
}
