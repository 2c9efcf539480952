/** Admits at many providers until it is killed, and says each admission before the next. */
import { writeSync } from 'node:fs';
import type { Limits } from '../../src/limit/limits.ts';
import { systemClock } from '../../src/store/clock.ts';
import { openMemoryStore } from '../../src/store/memory.ts';

const DAY = 86_400e6;
const QUOTA: Limits = { quotas: [{ count: 7, windowUs: DAY }] };
const PACE: Limits = { pace: { count: 1, windowUs: DAY, burst: 5 }, quotas: [] };

const [, , stateDir = ''] = process.argv;
const store = await openMemoryStore({ stateDir, clock: systemClock });
for (let i = 0; ; i += 1) {
  const [provider, limits] = i % 2 === 0 ? [`quota${i % 1000}`, QUOTA] : [`pace${i % 1000}`, PACE];
  const demands = [{ provider, recipients: 1, limits }];
  const result = await store.take({ id: `h/${i}`, lane: 0, queued: true, demands });
  if (result.ok) writeSync(1, `${provider}\n`);
  else if (i > 5000) await new Promise((resolve) => setTimeout(resolve, 10));
}
