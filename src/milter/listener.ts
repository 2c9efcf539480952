/** Where a milter listens, and how a socket gets there. */
import { chmod, lstat, unlink } from 'node:fs/promises';
import { createConnection, type ListenOptions, type Server } from 'node:net';

/** Postfix opens a connection for each SMTP session, up to 100 a service at once. */
const BACKLOG = 511;

export type ListenAddress =
  /** `mode`: of the socket file. A socket that nobody listens on any more is replaced. */
  | { readonly path: string; readonly mode?: number }
  /** Port 0: any free one. */
  | { readonly host: string; readonly port: number }
  /** A listening socket that was passed by systemd: 3 is the first. */
  | { readonly fd: number };

/** Rejects with the system's error (EADDRINUSE, EACCES, …). */
export async function listenOn(server: Server, address: ListenAddress): Promise<void> {
  if (!('path' in address)) {
    await listen(server, { ...address, backlog: BACKLOG });
    return;
  }
  const { path, mode } = address;
  try {
    await listen(server, { path, backlog: BACKLOG });
  } catch (error) {
    if (!hasCode(error, 'EADDRINUSE') || !(await isStale(path))) throw error;
    await unlink(path);
    await listen(server, { path, backlog: BACKLOG });
  }
  if (mode !== undefined) await chmod(path, mode);
}

function listen(server: Server, options: ListenOptions & { fd?: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** A socket left behind by a process that is gone. Any other file is not ours to remove. */
async function isStale(path: string): Promise<boolean> {
  if (!(await lstat(path)).isSocket()) return false;
  return new Promise((resolve) => {
    const probe = createConnection({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.once('error', (error) => resolve(hasCode(error, 'ECONNREFUSED')));
  });
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
