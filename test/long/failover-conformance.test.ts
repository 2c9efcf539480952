import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { systemClock } from '../../src/store/clock.ts';
import { openFailoverStore } from '../../src/store/open-failover.ts';
import { conforms } from '../store/conformance.ts';
import type { Subject } from '../store/conformance.ts';
import { startRedis } from '../store/redis-servers.ts';

const redis = await startRedis();
t.teardown(() => redis.stop());
let pools = 0;

/** Redis as it is asked by a host that could go on without it. */
async function subject(): Promise<Subject> {
  const store = await openFailoverStore({
    server: redis.server,
    pool: `test-${(pools += 1)}`,
    host: 'host',
    answerMs: 10_000,
    clock: systemClock,
    onAway: ({ why }) => void t.fail(`away: ${why}`),
    onBack: () => undefined,
  });
  const reach = async (atUs: number): Promise<void> => {
    for (;;) {
      const leftUs = atUs - (await store.now());
      if (leftUs <= 0) return;
      await sleep(Math.ceil(leftUs / 1000));
    }
  };
  return { store, reach, slackUs: 50_000 };
}

await conforms(t, subject);
