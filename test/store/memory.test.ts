import t from 'tap';
import { openMemoryStore } from '../../src/store/memory.ts';
import { StoreError } from '../../src/store/store.ts';
import { conforms } from './conformance.ts';
import { HandClock } from './hand-clock.ts';

await conforms(t, async () => {
  const clock = new HandClock();
  const store = await openMemoryStore({ clock });
  const reach = async (atUs: number): Promise<void> => {
    clock.advance(Math.max(0, atUs - (await store.now())));
  };
  return { store, reach, slackUs: 0 };
});

t.test('the store does not follow a clock that steps back', async (t) => {
  const clock = new HandClock();
  const store = await openMemoryStore({ clock });
  const limits = { pace: { count: 1, windowUs: 60e6, burst: 1 }, quotas: [] };
  const take = (): ReturnType<typeof store.take> =>
    store.take({
      id: 'h/1',
      lane: 0,
      queued: true,
      demands: [{ provider: 'p', recipients: 1, limits }],
    });
  t.ok((await take()).ok);
  const before = await store.now();
  clock.stepWall(-3600e6);
  clock.stepMonotonic(-5e6);
  t.equal(await store.now(), before);
  t.notOk((await take()).ok);
  clock.stepMonotonic(5e6);
  clock.advance(60e6);
  t.ok((await take()).ok, 'a minute is a minute');
  await store.close();
});

t.test('a closed store takes nothing', async (t) => {
  const store = await openMemoryStore({ clock: new HandClock() });
  await store.close();
  await store.close();
  await t.rejects(store.settle('p', 'h/1'), StoreError);
  await t.rejects(store.charge([]), StoreError);
  await t.rejects(store.take({ id: 'h/1', lane: 0, queued: true, demands: [] }), StoreError);
});
