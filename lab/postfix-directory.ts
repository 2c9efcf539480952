/** The directories and files of a private Postfix, made before its first start. */
import { existsSync } from 'node:fs';
import { chmod, chown, cp, mkdir, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  mainCf,
  masterCf,
  transportMap,
  type Layout,
  type PostfixOptions,
} from './postfix-files.ts';
import { command } from './process.ts';
import { nowMs } from './wait.ts';

/** Directories, as `postfix check` would create them, and main.cf, master.cf and transport. */
export async function lay(at: Layout, options: PostfixOptions): Promise<void> {
  const mailOwner = await uid('postfix');
  const dropGroup = await gid('postdrop');
  // Unprivileged daemons of the instance must get at their queue and log.
  await chmod(at.directory, 0o755);
  for (const path of [at.configDirectory, at.queueDirectory, `${at.directory}/log`]) {
    await mkdir(path);
  }
  await mkdir(`${at.queueDirectory}/pid`);
  await mkdir(at.dataDirectory);
  await chown(at.dataDirectory, mailOwner, 0);
  await mkdir(at.mailDirectory);
  await chown(at.mailDirectory, 65534, 65534);
  const own = 'active bounce corrupt defer deferred flush hold incoming private saved trace';
  for (const name of own.split(' ')) {
    await mkdir(`${at.queueDirectory}/${name}`, { mode: 0o700 });
    await chown(`${at.queueDirectory}/${name}`, mailOwner, 0);
  }
  for (const [name, mode] of [['maildrop', 0o730] as const, ['public', 0o710] as const]) {
    const path = `${at.queueDirectory}/${name}`;
    await mkdir(path);
    await chown(path, mailOwner, dropGroup);
    await chmod(path, mode);
  }
  if (options.chroot ?? false) {
    await mkdir(`${at.queueDirectory}/etc`);
    for (const name of ['hosts', 'services', 'resolv.conf', 'nsswitch.conf', 'localtime']) {
      const from = `/etc/${name}`;
      if (!existsSync(from)) continue;
      await cp(from, `${at.queueDirectory}/etc/${name}`, { dereference: true });
    }
  }
  await writeFile(`${at.configDirectory}/main.cf`, mainCf(at, options));
  await writeFile(`${at.configDirectory}/master.cf`, masterCf(at, options));
  await writeFile(`${at.configDirectory}/transport`, transportMap(options.routes ?? {}));
  await age(at.configDirectory);
  // postlogd would make it for root's eyes only.
  await writeFile(at.logFile, '');
}

/** Rejects with a sentence when Postfix's own user can't get into the directory's parents. */
export async function mustBeReachable(directory: string): Promise<void> {
  for (let path = dirname(directory); path !== '/'; path = dirname(path)) {
    const { mode } = await stat(path);
    if ((mode & 0o001) !== 0) continue;
    throw new Error(`Postfix can't enter ${path}: set TMPDIR to a directory that all may enter`);
  }
}

/** Every Postfix process waits up to 2 s before it reads a main.cf that has just been written. */
export async function age(configDirectory: string): Promise<void> {
  const then = (nowMs() - 10_000) / 1000;
  for (const name of ['main.cf', 'master.cf', 'transport']) {
    await utimes(join(configDirectory, name), then, then);
  }
}

async function uid(user: string): Promise<number> {
  return Number((await command(['id', '-u', user])).stdout);
}

async function gid(group: string): Promise<number> {
  return Number((await command(['getent', 'group', group])).stdout.split(':')[2]);
}
