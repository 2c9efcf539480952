/** Where the milter's socket is, as Postfix sees it, and the directory that it needs. */
import { chmod, chown, mkdir, rmdir, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { runCommand } from './command.ts';
import { milterElement, type OurMilter } from './milter-list.ts';

const DEFAULT_SOCKET = 'postpace/milter.sock';

/**
 * `listen` as in the configuration: `unix:/path`, `inet:host:port`, `systemd`. A socket below
 * queue_directory is named relative to it, so that chrooted services reach it too.
 */
export function ourMilter(listen: string, queueDirectory: string): OurMilter {
  if (!listen.startsWith('unix:') && !listen.startsWith('systemd'))
    return { element: milterElement(listen), sockets: [listen] };
  const path = listen.startsWith('unix:')
    ? listen.slice('unix:'.length)
    : join(queueDirectory, DEFAULT_SOCKET);
  const inside = relative(queueDirectory, path);
  if (inside.startsWith('..'))
    return { element: milterElement(`unix:${path}`), sockets: [`unix:${path}`] };
  const sockets = [`unix:${inside}`, `unix:${path}`];
  return { element: milterElement(`unix:${inside}`), sockets };
}

/** The directory of the socket; undefined: no unix socket. */
export function socketDirectory(listen: string, queueDirectory: string): string | undefined {
  if (listen.startsWith('unix:')) return dirname(listen.slice('unix:'.length));
  return listen.startsWith('systemd') ? dirname(join(queueDirectory, DEFAULT_SOCKET)) : undefined;
}

/**
 * Makes the directory, where it is missing: the daemon's user may put its socket there, and what it
 * puts there belongs to Postfix's group. Resolves with whether it had to.
 */
export async function makeSocketDirectory(directory: string, mailOwner: string): Promise<boolean> {
  const there = await stat(directory).then(
    () => true,
    () => false,
  );
  if (there) return false;
  const group = Number(await runCommand(['id', '-g', mailOwner]));
  const daemon = await runCommand(['id', '-u', 'postpace']).then(Number, () => undefined);
  await mkdir(directory);
  await chown(directory, daemon ?? process.getuid?.() ?? 0, group);
  await chmod(directory, 0o2750);
  return true;
}

/** A directory that is in use stays. */
export async function removeSocketDirectory(directory: string): Promise<void> {
  await rmdir(directory).catch(() => undefined);
}
