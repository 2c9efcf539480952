/** A way to a Redis that can be blocked for one host alone: nothing arrives, and nobody is told. */
import { connect, createServer, type Socket } from 'node:net';
import type { RedisServer } from '../../src/store/redis-server.ts';
import { single } from './redis-servers.ts';

export interface RedisProxy {
  readonly server: RedisServer;
  /** What is written from now on waits, both ways. */
  block(): void;
  open(): void;
  stop(): void;
}

export async function startRedisProxy(port: number): Promise<RedisProxy> {
  const sockets = new Set<Socket>();
  let isBlocked = false;
  const proxy = createServer((from) => {
    const to = connect(port, '127.0.0.1');
    for (const [socket, other] of [
      [from, to],
      [to, from],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('data', (data) => other.write(data));
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      if (isBlocked) socket.pause();
    }
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const address = proxy.address();
  return {
    server: single(typeof address === 'object' ? (address?.port ?? 0) : 0),
    block() {
      isBlocked = true;
      for (const socket of sockets) socket.pause();
    },
    open() {
      isBlocked = false;
      for (const socket of sockets) socket.resume();
    },
    stop() {
      for (const socket of sockets) socket.destroy();
      proxy.close();
    },
  };
}
