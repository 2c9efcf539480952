/** The unix socket's file: who may hold its path, its mode and its group. */
import { chmod, chown, lstat, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname } from 'node:path';

import type { Logger } from 'pino';

import { ControlError } from './api.ts';

/** sun_path of a unix socket address, less the closing NUL (unix(7)). */
const LONGEST_PATH_BYTES = 107;

export interface ClaimedSocket {
  /** Where to listen; `publish` then moves it to the real path, complete with mode and group. */
  readonly temporaryPath: string;
  publish(): Promise<void>;
  /** Removes the socket if it is still the one that was published. */
  remove(): Promise<void>;
}

/**
 * Makes sure that nobody answers on `path`. A socket that nobody answers on was left behind by a
 * kill, and is replaced. Rejects with ControlError 409 when somebody does answer, or when the path
 * is something other than a socket.
 */
export async function claimSocket(
  path: string,
  groupName: string,
  log?: Pick<Logger, 'warn'>,
): Promise<ClaimedSocket> {
  const temporaryPath = `${path}~`;
  if (Buffer.byteLength(temporaryPath) > LONGEST_PATH_BYTES) {
    throw new ControlError(
      500,
      `The control socket's path is too long: ${Buffer.byteLength(path)} bytes, ` +
        `at most ${LONGEST_PATH_BYTES - 1}: ${path}`,
    );
  }
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  const there = await lstat(path).catch(() => undefined);
  if (there !== undefined && !there.isSocket()) {
    throw new ControlError(409, `${path} is not a socket: the control socket won't replace it.`);
  }
  if (there !== undefined && (await somebodyAnswers(path))) {
    throw new ControlError(409, `Another postpace runs: it answers on ${path}.`);
  }
  await rm(temporaryPath, { force: true });

  let inode: number | undefined;
  return {
    temporaryPath,
    publish: async () => {
      await chmod(temporaryPath, 0o660);
      const gid = groupId(await readFile('/etc/group', 'utf8').catch(() => ''), groupName);
      if (gid !== undefined) {
        try {
          await chown(temporaryPath, process.getuid?.() ?? 0, gid);
        } catch (error) {
          log?.warn(
            { err: error, group: groupName },
            `the control socket can't be given to the group ${groupName}: only root and the daemon's own user may use it`,
          );
        }
      }
      inode = (await lstat(temporaryPath)).ino;
      await rename(temporaryPath, path);
    },
    remove: async () => {
      const now = await lstat(path).catch(() => undefined);
      if (now !== undefined && now.ino === inode) await rm(path, { force: true });
    },
  };
}

function somebodyAnswers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    // EAGAIN: its backlog is full, so there is somebody, frozen or busy.
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EAGAIN'));
  });
}

/** The number of a group in the text of /etc/group (group(5)). */
export function groupId(groupFile: string, name: string): number | undefined {
  for (const line of groupFile.split('\n')) {
    const [group, , gid] = line.split(':');
    if (group === name && gid !== undefined && /^\d+$/.test(gid)) return Number(gid);
  }
  return undefined;
}
