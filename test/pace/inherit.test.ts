import t from 'tap';
import { delivery } from './log-events.ts';
import { openPacing } from './pacing.ts';

const LIMITS = { 'one.example': { quotas: [], inFlight: 3 } };

/** A daemon that ended with three messages under way and one held, and the one after it. */
async function restarted(
  t: Parameters<typeof openPacing>[0],
  meanwhile: (first: Awaited<ReturnType<typeof openPacing>>) => void | Promise<void>,
) {
  const first = await openPacing(t, { limits: LIMITS });
  for (let i = 1; i <= 4; i++) await first.send(`ID0000${i}`, 'a@one.example');
  first.pacer.stop();
  await meanwhile(first);
  const { time, postfix, store, stateDir } = first;
  const second = await openPacing(t, {
    limits: LIMITS,
    time,
    postfix,
    store,
    stateDir,
    starts: false,
  });
  return second;
}

t.test('what is under way still is followed, what is gone frees its place', async (t) => {
  const { pacer, store, postfix, time } = await restarted(t, ({ postfix: queue }) => {
    queue.messages.delete('ID00001');
    queue.put('ID00003', 'hold');
  });
  t.equal((await store.inFlight('one.example')).length, 3);
  t.ok(await pacer.inherit());
  t.same(
    (await store.inFlight('one.example')).map(({ id }) => id),
    ['mx/ID00002'],
  );
  t.ok(pacer.is.flights.get('ID00002'));
  pacer.start();
  await time.advance(100);
  t.same(postfix.left, ['ID00004']);
  await pacer.see(delivery('ID00002', 'a@one.example', time.nowMs()));
  t.same(
    (await store.inFlight('one.example')).map(({ id }) => id),
    ['mx/ID00004'],
  );
});

t.test('deferred meanwhile: taken back to hold', async (t) => {
  const { pacer, postfix, time } = await restarted(t, ({ postfix: queue }) => {
    queue.put('ID00002', 'deferred', {
      recipients: [{ address: 'A@one.example', delayReason: '421 4.7.0 slow down' }],
    });
  });
  await pacer.inherit();
  pacer.start();
  await time.advance(200);
  t.equal(postfix.queueOf('ID00002'), 'hold');
  t.match(pacer.is.desk.record('ID00002'), { deferrals: 1, recipients: ['a@one.example'] });
});

t.test(
  'released when it ended, and nobody woken: back in hold before anything leaves',
  async (t) => {
    const { pacer, postfix, time } = await restarted(t, ({ postfix: queue }) => {
      queue.put('ID00004', 'deferred', { recipients: [{ address: 'a@one.example' }] });
    });
    await pacer.inherit();
    t.equal(postfix.queueOf('ID00004'), 'hold', 'or the first wake-up would take it along');
    t.match(pacer.is.desk.record('ID00004'), { deferrals: 0 });
    t.same(postfix.left, []);
    pacer.start();
    await time.advance(200);
    t.same(postfix.left, [], 'three are in flight');
    await pacer.see(delivery('ID00002', 'a@one.example', time.nowMs()));
    await time.advance(200);
    t.same(postfix.left, ['ID00004']);
  },
);

t.test('another host’s places are none of our business', async (t) => {
  const { pacer, store } = await restarted(t, async ({ store: pool }) => {
    const demands = [{ provider: 'two.example', recipients: 1, limits: LIMITS['one.example'] }];
    await pool.take({ id: 'other/ID00001', lane: 0, queued: true, demands });
  });
  await pacer.inherit();
  t.equal((await store.inFlight('two.example')).length, 1);
});

t.test('a queue that can’t be listed yet is asked again by the comparison', async (t) => {
  const { pacer, store, postfix } = await restarted(t, ({ postfix: queue }) => {
    queue.messages.delete('ID00001');
    queue.listBreaksAfter = 0;
  });
  t.notOk(await pacer.inherit());
  t.equal((await store.inFlight('one.example')).length, 3);
  postfix.listBreaksAfter = Infinity;
  t.ok(await pacer.compare());
  t.equal((await store.inFlight('one.example')).length, 2);
});

t.test('held mail is in its line again', async (t) => {
  const { pacer, stateDir } = await restarted(t, () => undefined);
  t.ok(stateDir);
  t.same(
    [...pacer.is.desk.records()].map(({ queueId }) => queueId),
    ['ID00004'],
  );
  t.ok(pacer.is.desk.item('ID00004'));
});
