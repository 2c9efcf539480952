/** An MTA that is a few lines long: sends commands over a socket and collects the replies. */
import { once } from 'node:events';
import { createConnection, type NetConnectOpts, type Socket } from 'node:net';
import type { Command } from '../../src/milter/command.ts';
import { FrameReader } from '../../src/milter/frame.ts';
import type { ListenAddress } from '../../src/milter/listener.ts';
import { decodeReply, encodeCommand } from '../../src/milter/mta.ts';
import type { Reply } from '../../src/milter/reply.ts';
import { OFFER } from './memory-wire.ts';

export class FakeMta {
  readonly socket: Socket;
  /** Sizes of the pieces in which replies came. */
  readonly pieces: number[] = [];
  readonly #reader = new FrameReader();
  readonly #replies: Reply[] = [];
  #wake: (() => void) | undefined;
  isClosed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.pieces.push(chunk.length);
      this.#reader.push(chunk);
      for (let frame = this.#reader.next(); frame; frame = this.#reader.next()) {
        this.#replies.push(decodeReply(frame));
      }
      this.#wake?.();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isClosed = true;
      this.#wake?.();
    });
  }

  /** Connected, and the offer answered. */
  static async open(address: ListenAddress, offer: Command | null = OFFER): Promise<FakeMta> {
    if ('fd' in address) throw new Error('a descriptor has no address');
    const options: NetConnectOpts = address;
    const socket = createConnection(options);
    const mta = new FakeMta(socket);
    await once(socket, 'connect');
    if (offer) await mta.ask(offer);
    return mta;
  }

  tell(...commands: readonly Command[]): void {
    this.socket.write(Buffer.concat(commands.map(encodeCommand)));
  }

  /** The next reply; rejects when the connection closes instead. */
  async reply(): Promise<Reply> {
    for (;;) {
      const reply = this.#replies.shift();
      if (reply) return reply;
      if (this.isClosed) throw new Error('the milter closed the connection');
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Sends one event and gives its answer. */
  async ask(...commands: readonly Command[]): Promise<Reply> {
    this.tell(...commands);
    return this.reply();
  }

  async closed(): Promise<void> {
    if (this.isClosed) return;
    // A reset is a close too, so `once`, which rejects on errors, is no help.
    await new Promise<void>((resolve) => this.socket.once('close', () => resolve()));
  }
}
