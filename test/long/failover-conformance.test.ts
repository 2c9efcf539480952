import t from 'tap';
import { systemClock } from '../../src/store/clock.ts';
import { openFailoverStore } from '../../src/store/open-failover.ts';
import { conforms, onRealClock } from '../store/conformance.ts';
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
  return onRealClock(store);
}

await conforms(t, subject);
