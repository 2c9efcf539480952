import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { Limits } from '../../src/limit/limits.ts';
import { openRedisStore } from '../../src/store/redis.ts';
import { StoreError } from '../../src/store/store.ts';
import type { Store, TakeResult } from '../../src/store/store.ts';
import { conforms } from './conformance.ts';
import { startSentinels, until } from './redis-servers.ts';

const { master, replica, all, server } = await startSentinels();
t.teardown(() => Promise.all(all.map((one) => one.stop())));
const answerMs = 10_000;
let pools = 0;

const limits: Limits = { pace: { count: 1, windowUs: 3600e6, burst: 3 }, quotas: [] };
let ids = 0;
const take = (store: Store, provider: string): Promise<TakeResult> =>
  store.take({
    id: `host/${(ids += 1)}`,
    lane: 1,
    queued: true,
    demands: [{ provider, recipients: 1, limits }],
  });

const store = await openRedisStore({ server, pool: 'kept', host: 'host', answerMs });

await t.test('what the old master had charged, the new one knows', async (t) => {
  for (let i = 0; i < 3; i += 1) t.ok((await take(store, 'p')).ok);
  t.notOk((await take(store, 'p')).ok);
  await store.announce('p', [0, 1, 0]);
  const copy = replica.client();
  await until(async () => (await copy.exists('{kept}:p:p', '{kept}:waiting')) === 2);
  copy.disconnect();
  await master.stop();
  let failed = 0;
  await until(async () => {
    try {
      t.notOk((await take(store, 'p')).ok, 'no fresh burst on the new master');
      return true;
    } catch (error) {
      t.ok(error instanceof StoreError);
      failed += 1;
      return false;
    }
  });
  t.ok(failed > 0, 'nobody was there for a while');
  t.equal((await store.usage('p')).hour, 3);
  const fresh = await openRedisStore({ server, pool: 'kept', host: 'other', answerMs });
  t.match(
    await fresh.take({
      id: 'other/1',
      lane: 1,
      queued: false,
      demands: [{ provider: 'p', recipients: 1, limits: { quotas: [] } }],
    }),
    { ok: false, cause: { kind: 'waiting' } },
  );
  await fresh.close();
});

await t.test('and passes the suite', async (t) => {
  await conforms(t, async () => {
    const pool = `sentinel-${(pools += 1)}`;
    const subject = await openRedisStore({ server, pool, host: 'host', answerMs });
    const reach = async (atUs: number): Promise<void> => {
      for (;;) {
        const leftUs = atUs - (await subject.now());
        if (leftUs <= 0) return;
        await sleep(Math.ceil(leftUs / 1000));
      }
    };
    return { store: subject, reach, slackUs: 50_000 };
  });
});

await store.close();
