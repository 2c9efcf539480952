/** Another milter before ours: adds a header to every message, and never asks for a hold. */
import { once } from 'node:events';
import { chmod, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';

export interface Signer {
  close(): Promise<void>;
}

function packet(text: string): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(Buffer.byteLength(text, 'latin1'));
  return Buffer.concat([head, Buffer.from(text, 'latin1')]);
}

/** Version 6, SMFIF_ADDHDRS alone, every step. */
const OFFER = packet('O\0\0\0\x06\0\0\0\x01\0\0\0\0');
const SIGNED = Buffer.concat([packet('hX-Signed\0yes\0'), packet('c')]);

function answer(socket: Socket, code: string): void {
  if (code === 'Q') socket.end();
  else if (code === 'O') socket.write(OFFER);
  else if (code === 'E') socket.write(SIGNED);
  // Macros and aborts have no answer.
  else if (!'DAK'.includes(code)) socket.write(packet('c'));
}

export async function startSigner(path: string): Promise<Signer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    let rest = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 5 && rest.length >= 4 + rest.readUInt32BE(0)) {
        answer(socket, rest.toString('latin1', 4, 5));
        rest = rest.subarray(4 + rest.readUInt32BE(0));
      }
    });
  });
  server.listen(path);
  await once(server, 'listening');
  await chmod(path, 0o666);
  return {
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await rm(path, { force: true });
    },
  };
}
