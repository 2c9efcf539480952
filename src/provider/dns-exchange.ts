/**
 * One question to one DNS server, over UDP or TCP. Each question has a socket of its own: its port
 * is random, as its id is, so that a stranger's reply is not taken for the server's.
 */
import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';

export interface DnsServer {
  /** An IP address. */
  readonly address: string;
  readonly port: number;
}

export interface Exchange<T> {
  readonly server: DnsServer;
  readonly query: Buffer;
  /** undefined: not the reply to this question; over UDP the next is waited for. */
  readonly read: (reply: Buffer) => T | undefined;
  readonly timeoutMs: number;
}

/** Rejects with an Error: no reply in time, or nobody there. */
export function askOverUdp<T>({ server, query, read, timeoutMs }: Exchange<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(server.address) ? 'udp6' : 'udp4');
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      socket.removeAllListeners().on('error', () => undefined);
      socket.close();
      settle();
    };
    const timer = setTimeout(() => end(() => reject(new Error('no answer'))), timeoutMs);
    socket.on('error', (error) => end(() => reject(error)));
    socket.on('message', (bytes) => {
      const found = read(bytes);
      if (found !== undefined) end(() => resolve(found));
    });
    socket.on('connect', () => socket.send(query));
    // Connected: what does not come from there is dropped by the kernel, and nobody there is heard.
    socket.connect(server.port, server.address);
  });
}

/** RFC 7766. Rejects with an Error: no whole reply in time, or nobody there. */
export function askOverTcp<T>({ server, query, read, timeoutMs }: Exchange<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: server.address, port: server.port, noDelay: true });
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      socket.removeAllListeners().on('error', () => undefined);
      socket.destroy();
      settle();
    };
    const fail = (why: string): void => end(() => reject(new Error(why)));
    const timer = setTimeout(() => fail('no answer'), timeoutMs);
    let bytes = Buffer.alloc(0);
    socket.on('error', (error) => fail(error.message));
    socket.on('end', () => fail('the connection ended'));
    socket.on('connect', () => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(query.length);
      socket.write(Buffer.concat([length, query]));
    });
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      // The length is two bytes, so that no more than 64 KB are ever kept.
      const length = bytes.length < 2 ? Infinity : bytes.readUInt16BE(0);
      if (bytes.length < 2 + length) return;
      const found = read(bytes.subarray(2, 2 + length));
      if (found === undefined) fail('a reply to another question');
      else end(() => resolve(found));
    });
  });
}
