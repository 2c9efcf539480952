/**
 * A milter that goes on at every stage but one, where it does as its script says. Small on purpose:
 * it stands for other people's milters, and for ours when it is dead or frozen.
 */
import { chmod, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { once } from 'node:events';

export type Act = 'quarantine' | 'close' | 'freeze' | 'quarantine-then-close';
/** Command byte (`C` connect, `H` helo, `M` mail, `R` rcpt, `T` data, `L`, `N`, `B`, `E`, `O`). */
export type Script = Readonly<Record<string, Act>>;

export interface ScriptedMilter {
  script: Script;
  close(): Promise<void>;
}

function packet(data: Buffer | string): Buffer {
  const body = Buffer.from(data);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(body.length);
  return Buffer.concat([head, body]);
}

/** Version 6, every action but those of the SETSYMLIST kind, no step left out. */
function negotiation(): Buffer {
  const body = Buffer.alloc(13);
  body.write('O');
  body.writeUInt32BE(6, 1);
  body.writeUInt32BE(0x3f, 5);
  return packet(body);
}

function answer(socket: Socket, command: string, act: Act | undefined): void {
  const reply = command === 'O' ? negotiation() : packet('c');
  switch (act) {
    case undefined:
      socket.write(reply);
      break;
    case 'quarantine':
      socket.write(Buffer.concat([packet('qas the script says\0'), reply]));
      break;
    case 'quarantine-then-close':
      socket.end(packet('qas the script says\0'));
      break;
    case 'close':
      socket.destroy();
      break;
    case 'freeze':
      socket.pause();
      break;
    default:
      act satisfies never;
  }
}

/** Listens on a unix socket that every process of Postfix may use. */
export async function startMilter(path: string, script: Script = {}): Promise<ScriptedMilter> {
  const sockets = new Set<Socket>();
  const milter: ScriptedMilter = {
    script,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await rm(path, { force: true });
    },
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    let rest = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE(0)) {
        const end = 4 + rest.readUInt32BE(0);
        const command = rest.toString('latin1', 4, 5);
        rest = rest.subarray(end);
        if (command === 'Q') socket.end();
        else if (!'DAK'.includes(command)) answer(socket, command, milter.script[command]);
      }
    });
  });
  server.listen(path);
  await once(server, 'listening');
  await chmod(path, 0o666);
  return milter;
}
