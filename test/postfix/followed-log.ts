/** A log of lines that are known by their numbers, and what a follower reads of it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { FollowSettings, LogCursor } from '../../src/postfix/follow.ts';
import { FileFollower } from '../../src/postfix/follow-file.ts';
import { removedOf, type Removed } from './events-of.ts';

export const NOW = new Date(2026, 10, 24, 12, 0, 0).getTime();
export const LOOK_BACK = { bytes: 1024 * 1024, ms: 24 * 60 * 60 * 1000 };

/** A line whose event is recognised by its queue id. */
export function line(id: number | string): string {
  return `Nov 24 11:59:00 mx postfix/qmgr[12]: ${String(id).padStart(8, '0')}: removed\n`;
}

export function lines(from: number, to: number): string {
  let text = '';
  for (let id = from; id < to; id++) {
    text += line(id);
    text += 'Nov 24 11:59:00 mx dovecot: imap-login: Disconnected, not a line of ours\n';
  }
  return text;
}

export interface Run extends Removed {
  readonly follower: FileFollower;
}

const running = new Set<Run>();
t.afterEach(async () => {
  for (const one of running) await one.stop();
  running.clear();
});

export function run(path: string, cursor?: LogCursor, settings: Partial<FollowSettings> = {}): Run {
  const follower = new FileFollower(path, {
    cursor,
    lookBack: LOOK_BACK,
    now: () => NOW,
    pollMs: 20,
    ...settings,
  });
  const mine = Object.assign(removedOf(follower, cursor), { follower });
  running.add(mine);
  return mine;
}

export async function place(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'postpace-log-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  return join(directory, 'mail.log');
}

export const upTo = (n: number) => Array.from({ length: n }, (_, index) => index);
