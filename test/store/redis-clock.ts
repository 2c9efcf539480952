/** A Redis whose wall clock can be set: a small library under it adds what a file says. */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedis } from './redis-servers.ts';
import type { Running } from './redis-servers.ts';

export interface ClockedRedis extends Running {
  /** Its clock is this much ahead of the machine's from now on; negative: behind. */
  ahead(seconds: number): void;
}

/** Rejects when redis-server or gcc is missing. */
export async function startClockedRedis(): Promise<ClockedRedis> {
  const dir = await mkdtemp(join(tmpdir(), 'postpace-clock-'));
  const library = join(dir, 'offset-clock.so');
  execFileSync('gcc', ['-shared', '-fPIC', '-O1', '-o', library, 'test/store/offset-clock.c']);
  const path = join(dir, 'offset');
  const file = openSync(path, 'w');
  const ahead = (seconds: number): void => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(Math.round(seconds * 1e6)));
    writeSync(file, bytes, 0, bytes.length, 0);
  };
  ahead(0);
  const redis = await startRedis({ env: { LD_PRELOAD: library, POSTPACE_CLOCK_OFFSET: path } });
  return {
    ...redis,
    ahead,
    async stop() {
      await redis.stop();
      closeSync(file);
      await rm(dir, { recursive: true, force: true });
    },
  };
}
