/** A connection without a socket: what goes in are commands, what comes out are replies. */
import type { Command } from '../../src/milter/command.ts';
import { Connection, serviceOf, type Service, type Wire } from '../../src/milter/connection.ts';
import { FrameReader } from '../../src/milter/frame.ts';
import { decodeReply, encodeCommand } from '../../src/milter/mta.ts';
import type { MilterOptions } from '../../src/milter/options.ts';
import type { Reply } from '../../src/milter/reply.ts';

/** What Postfix and Sendmail offer today. */
export const OFFER = { kind: 'optneg', version: 6, actions: 0x1ff, protocol: 0x1fffff } as const;

export class MemoryWire implements Wire {
  readonly writes: Buffer[] = [];
  state: 'open' | 'ended' | 'destroyed' = 'open';
  isPaused = false;
  /** What the next write answers: false for a peer that reads slowly. */
  isFast = true;

  write(bytes: Buffer): boolean {
    this.writes.push(bytes);
    return this.isFast;
  }
  end(): void {
    this.state = 'ended';
  }
  destroy(): void {
    this.state = 'destroyed';
  }
  pause(): void {
    this.isPaused = true;
  }
  resume(): void {
    this.isPaused = false;
  }

  /** The bytes written since the last call, as hex. */
  takeHex(): string {
    return Buffer.concat(this.writes.splice(0)).toString('hex');
  }

  /** The replies written since the last call. */
  takeReplies(): Reply[] {
    const reader = new FrameReader();
    reader.push(Buffer.concat(this.writes.splice(0)));
    const replies: Reply[] = [];
    for (let frame = reader.next(); frame; frame = reader.next()) replies.push(decodeReply(frame));
    return replies;
  }
}

export interface Line {
  readonly wire: MemoryWire;
  readonly connection: Connection;
  readonly service: Service;
  /** Sends commands in one piece; gives the kinds of the replies that came at once. */
  say(...commands: readonly Command[]): string[];
}

/** A connection to a milter with these options; the offer is made already, unless told not to. */
export function lineTo<C, T>(options: MilterOptions<C, T>, offer: Command | null = OFFER): Line {
  const wire = new MemoryWire();
  const service = serviceOf(options);
  const connection = new Connection(service, wire);
  const say = (...commands: readonly Command[]): string[] => {
    connection.receive(Buffer.concat(commands.map(encodeCommand)));
    return wire.takeReplies().map(({ kind }) => kind);
  };
  if (offer) say(offer);
  return { wire, connection, service, say };
}
