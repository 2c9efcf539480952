/**
 * Sits between Postfix and postpace's milter socket and cuts the line, for good, at a chosen packet:
 * what a kill at that very moment looks like to Postfix.
 */
import { once } from 'node:events';
import { chmod, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';

export interface Packet {
  readonly from: 'postfix' | 'postpace';
  /** Command or reply byte: `E` end of message, `q` quarantine, `c` go on. */
  readonly code: string;
  /** A quarantine was sent on this connection just before. */
  readonly quarantined: boolean;
}

/** `before`: cut, and the packet is lost; `after`: it arrives, then cut. */
export type Cut = 'before' | 'after' | undefined;

export interface Tap {
  readonly isCut: () => boolean;
  close(): Promise<void>;
}

/** `onCut` is called once, synchronously, before Postfix can see that the line is dead. */
export async function startTap(
  at: { readonly listen: string; readonly target: string },
  cutAt: (packet: Packet) => Cut,
  onCut: () => void,
): Promise<Tap> {
  const sockets = new Set<Socket>();
  let cut = false;
  const isCut = () => cut;
  const end = () => {
    if (!cut) onCut();
    cut = true;
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  const server = createServer((postfix) => {
    const postpace = connect(at.target);
    for (const socket of [postfix, postpace]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    let quarantined = false;
    const pump = (from: Packet['from'], source: Socket, target: Socket) => {
      let rest = Buffer.alloc(0);
      source.on('data', (chunk) => {
        rest = Buffer.concat([rest, chunk]);
        while (!isCut() && rest.length >= 5 && rest.length >= 4 + rest.readUInt32BE(0)) {
          const size = 4 + rest.readUInt32BE(0);
          const packet = rest.subarray(0, size);
          rest = rest.subarray(size);
          const code = packet.toString('latin1', 4, 5);
          const when = cutAt({ from, code, quarantined });
          if (from === 'postpace') quarantined = code === 'q';
          if (when === 'before') return end();
          if (when === 'after') return void target.write(packet, end);
          target.write(packet);
        }
      });
      source.on('close', () => target.destroy());
    };
    pump('postfix', postfix, postpace);
    pump('postpace', postpace, postfix);
  });
  server.listen(at.listen);
  await once(server, 'listening');
  await chmod(at.listen, 0o666);
  return {
    isCut,
    async close() {
      cut = true;
      for (const socket of sockets) socket.destroy();
      server.close();
      await rm(at.listen, { force: true });
    },
  };
}
