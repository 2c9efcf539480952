/**
 * Loaded into the daemon with --import: how late its event loop comes, written to the file that
 * POSTPACE_BENCH_LOOP names at each SIGUSR2, and then counted anew.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Of the timer that is watched; it is part of what the histogram holds. */
const RESOLUTION_MS = 1;

const file = process.env.POSTPACE_BENCH_LOOP;
if (file !== undefined) {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  process.on('SIGUSR2', () => {
    const report = {
      p50Ms: late(delays.percentile(50)),
      p99Ms: late(delays.percentile(99)),
      p999Ms: late(delays.percentile(99.9)),
      mostMs: late(delays.max),
    };
    writeFileSync(`${file}.new`, JSON.stringify(report));
    renameSync(`${file}.new`, file);
    delays.reset();
  });
}

function late(nanoseconds: number): number {
  return Math.max(0, Math.round((nanoseconds / 1e6 - RESOLUTION_MS) * 10) / 10);
}
