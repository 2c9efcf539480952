import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { serveControl } from '../../src/control/server.ts';
import { fakeDaemon, NOW, type FakeDaemon } from '../control/fake-daemon.ts';

export const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));

export interface Ran {
  readonly exit: number | null;
  readonly out: string;
  readonly err: string;
}

/** The environment of every run: one zone, one width, and a clock that stands at NOW. */
export const ENV: Readonly<Record<string, string>> = {
  PATH: process.env['PATH'] ?? '/usr/bin:/bin',
  TZ: 'Europe/Paris',
  COLUMNS: '80',
  SUDO_USER: 'jane',
  NODE_OPTIONS: `--import=data:text/javascript,Date.now=()=>${NOW}`,
};

/** Runs the compiled program as a process of its own. */
export function postpace(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  input = '',
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...args], { env: { ...ENV, ...env } });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (out += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (err += chunk));
    child.on('error', reject);
    child.on('close', (exit) => resolve({ exit, out, err }));
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

export interface Served {
  readonly daemon: FakeDaemon;
  readonly directory: string;
  readonly socket: string;
  /** Runs the program against this daemon. */
  readonly run: (...args: readonly string[]) => Promise<Ran>;
  close(): Promise<void>;
}

/** A fake daemon behind the real control server, in a directory of its own. */
export async function served(daemon: FakeDaemon = fakeDaemon()): Promise<Served> {
  const directory = await mkdtemp(join(tmpdir(), 'postpace-cli-'));
  const socket = join(directory, 'control.sock');
  const server = await serveControl(socket, daemon);
  return {
    daemon,
    directory,
    socket,
    run: (...args) => postpace([...args, '--control', socket]),
    close: async () => {
      await server.close();
      await rm(directory, { recursive: true });
    },
  };
}
