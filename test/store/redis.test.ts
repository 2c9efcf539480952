import t from 'tap';
import { openRedisStore } from '../../src/store/redis.ts';
import type { RedisServer } from '../../src/store/redis-server.ts';
import { conforms, onRealClock } from './conformance.ts';
import type { Subject } from './conformance.ts';
import { startCluster, startRedis } from './redis-servers.ts';

let pools = 0;

/** A new pool on a real server, whose clock goes on by itself. */
async function subject(server: RedisServer): Promise<Subject> {
  const store = await openRedisStore({
    server,
    pool: `test-${(pools += 1)}`,
    host: 'host',
    answerMs: 10_000,
  });
  return onRealClock(store);
}

t.test('one server', async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.stop());
  await conforms(t, () => subject(redis.server));
});

t.test('a Cluster of three masters', async (t) => {
  const { nodes, server } = await startCluster();
  t.teardown(() => Promise.all(nodes.map((node) => node.stop())));
  await conforms(t, () => subject(server));
});
