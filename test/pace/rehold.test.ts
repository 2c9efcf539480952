import t from 'tap';
import { deferral, delivery, heldByHand } from './log-events.ts';
import { openPacing, pace, type Pacing } from './pacing.ts';

const LIMITS = { 'one.example': { ...pace(6000), inFlight: 5 } };

/** Passed, and tried by Postfix without success. */
async function passedAndDeferred(
  { send, postfix, pacer, time }: Pacing,
  queueId: string,
  to: readonly string[] = ['a@one.example'],
): Promise<void> {
  await send(queueId, to);
  postfix.put(queueId, 'deferred', {
    recipients: to.map((address) => ({ address, delayReason: '421' })),
  });
  for (const address of to) await pacer.see(deferral(queueId, address, time.nowMs()));
}

t.test('deferred mail is held again, and leaves after its backoff', async (t) => {
  const pacing = await openPacing(t, { limits: LIMITS });
  const { postfix, pacer, time, store, log } = pacing;
  await passedAndDeferred(pacing, 'ID00001');
  t.same(postfix.holds, []);
  await time.advance(110);
  t.same(postfix.holds, [['ID00001']]);
  t.equal(postfix.queueOf('ID00001'), 'hold');
  t.equal(pacer.is.flights.size, 0, 'it is not under way any more');
  t.same(await store.inFlight('one.example'), [], 'and its place is free');
  t.match(pacer.is.desk.record('ID00001'), { deferrals: 1, wasDeferred: true });
  t.ok(pacer.is.desk.shelved('ID00001'));
  t.match(log.of('re-held')[0]?.fields, { queueId: 'ID00001', deferrals: 1, waitMs: 60_000 });
  await time.advance(59_000);
  t.same(postfix.left, []);
  await time.advance(2000);
  t.same(postfix.releases, [[{ queueId: 'ID00001', wasDeferred: true }]]);
});

t.test('each deferral doubles the wait', async (t) => {
  const pacing = await openPacing(t, { limits: LIMITS });
  const { postfix, pacer, time } = pacing;
  await passedAndDeferred(pacing, 'ID00001');
  const waits: number[] = [];
  for (let i = 0; i < 4; i++) {
    const before = postfix.left.length;
    const startedMs = time.nowMs();
    while (postfix.left.length === before) await time.advance(1000);
    waits.push(Math.round((time.nowMs() - startedMs) / 1000));
    postfix.put('ID00001', 'deferred');
    // Greylisted: its own affair, the provider is well.
    const reply = 'host said: 450 4.7.1 greylisted';
    await pacer.see(deferral('ID00001', 'a@one.example', time.nowMs(), { reply }));
  }
  t.ok(
    waits.every((wait, i) => Math.abs(wait - 60 * 2 ** i) <= 3),
    String(waits),
  );
});

t.test(
  'the queue manager is not done yet: tried again, and left to the reconcile at last',
  async (t) => {
    const pacing = await openPacing(t, { limits: LIMITS });
    const { postfix, pacer, time } = pacing;
    await passedAndDeferred(pacing, 'ID00001');
    postfix.put('ID00001', 'active');
    await time.advance(120_000);
    t.equal(postfix.holds.length, 5);
    t.ok(pacer.is.flights.get('ID00001'), 'its place is kept until it is held');
    await pacer.compare();
    await time.advance(60_000);
    t.equal(postfix.holds.length, 5, 'not in the deferred queue: nothing to take back');
    postfix.put('ID00001', 'deferred');
    await pacer.compare();
    await time.advance(1000);
    t.equal(postfix.holds.length, 6);
    t.equal(postfix.queueOf('ID00001'), 'hold');
  },
);

t.test('a message whose release is not confirmed yet is held after that', async (t) => {
  const { hold, postfix, pacer, time } = await openPacing(t, { limits: LIMITS });
  let confirm: (() => void) | undefined;
  postfix.before = () =>
    new Promise((resolve) => {
      confirm = resolve;
    });
  hold('ID00001', 'a@one.example');
  await time.advance(10);
  await pacer.see(deferral('ID00001', 'a@one.example', time.nowMs()));
  await time.advance(500);
  t.same(postfix.holds, []);
  postfix.before = async () => undefined;
  confirm?.();
  await time.settle();
  postfix.put('ID00001', 'deferred');
  await time.advance(200);
  t.same(postfix.holds, [['ID00001']]);
  t.match(pacer.is.desk.record('ID00001'), { deferrals: 1 });
});

t.test('of many recipients those that are open still, and only those', async (t) => {
  const pacing = await openPacing(t, { limits: LIMITS });
  const { send, postfix, pacer, time, store } = pacing;
  await send('ID00001', ['a@one.example', 'b@one.example', 'c@one.example', 'd@one.example']);
  postfix.put('ID00001', 'deferred');
  const atMs = time.nowMs();
  await pacer.see(delivery('ID00001', 'a@one.example', atMs));
  await pacer.see(deferral('ID00001', 'b@one.example', atMs));
  await pacer.see(deferral('ID00001', 'c@one.example', atMs));
  await pacer.see(delivery('ID00001', 'd@one.example', atMs));
  await time.advance(200);
  t.same(pacer.is.desk.record('ID00001')?.recipients, ['b@one.example', 'c@one.example']);
  t.equal(pacer.is.desk.record('ID00001')?.deferrals, 1, 'one deferral of one message');
  const before = (await store.usage('one.example')).hour;
  await time.advance(61_000);
  t.equal((await store.usage('one.example')).hour, before + 2, 'and it is charged for two');
});

t.test('without a flight the recipients of its lines are put together', async (t) => {
  const { postfix, pacer, time } = await openPacing(t, { limits: LIMITS });
  postfix.put('ID00001', 'deferred');
  for (const name of ['a', 'B', 'b']) {
    await pacer.see(deferral('ID00001', `${name}@one.example`, time.nowMs()));
  }
  await time.advance(200);
  t.same(pacer.is.desk.record('ID00001')?.recipients, ['a@one.example', 'b@one.example']);
});

t.test('a helper that fails is asked again', async (t) => {
  const pacing = await openPacing(t, { limits: LIMITS });
  const { postfix, time, log } = pacing;
  postfix.broken = new Error('no helper');
  await passedAndDeferred(pacing, 'ID00001');
  await time.advance(200);
  t.equal(log.of('cannot be taken back').length, 1);
  postfix.broken = undefined;
  await time.advance(1000);
  t.equal(postfix.queueOf('ID00001'), 'hold');
});

t.test('its own `placed on hold` is not an administrator’s', async (t) => {
  const pacing = await openPacing(t, { limits: LIMITS });
  const { postfix, pacer, time, log } = pacing;
  await passedAndDeferred(pacing, 'ID00001');
  await pacer.see(heldByHand('ID00001', time.nowMs()));
  await time.advance(200);
  await pacer.see(heldByHand('ID00001', time.nowMs()));
  t.ok(pacer.is.desk.record('ID00001'));
  t.same(log.of('held by hand'), []);
  t.equal(postfix.queueOf('ID00001'), 'hold');
});

t.test('after an outage what was held again leaves oldest first', async (t) => {
  const limits = { 'one.example': { ...pace(60, 5), inFlight: 5 } };
  const pacing = await openPacing(t, { limits });
  const { send, postfix, pacer, time } = pacing;
  const ids = ['ID00001', 'ID00002', 'ID00003', 'ID00004'];
  for (const id of ids) {
    t.equal((await send(id, 'a@one.example')).kind, 'pass');
    await time.advance(5);
  }
  for (const id of ids) {
    postfix.put(id, 'deferred');
    await pacer.see(deferral(id, 'a@one.example', time.nowMs()));
  }
  await time.advance(1000);
  t.equal([...pacer.is.desk.shelf()].length, 4);
  await pacer.see(delivery('OTHER01', 'x@one.example', time.nowMs(), { status: 'bounced' }));
  await time.advance(10_000);
  t.same(postfix.left, ids);
});
