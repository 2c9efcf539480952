import t from 'tap';
import { deferral, delivery, heldByHand, released, removed } from './log-events.ts';
import { openPacing, pace } from './pacing.ts';

const LIMITS = {
  'one.example': { quotas: [], inFlight: 2 },
  'two.example': { quotas: [], inFlight: 2 },
};

t.test('the place is free when the last recipient at the provider has its outcome', async (t) => {
  const { send, pacer, store, time } = await openPacing(t, { limits: LIMITS });
  await send('ID00001', ['a@one.example', 'b@one.example', 'c@two.example']);
  const places = async () => [
    (await store.inFlight('one.example')).length,
    (await store.inFlight('two.example')).length,
  ];
  t.same(await places(), [1, 1]);
  await pacer.see(delivery('ID00001', 'A@One.Example', time.nowMs()));
  t.same(await places(), [1, 1]);
  await pacer.see(delivery('ID00001', 'a@one.example', time.nowMs()));
  t.same(await places(), [1, 1], 'the same recipient twice is one');
  await pacer.see(delivery('ID00001', 'b@one.example', time.nowMs(), { status: 'bounced' }));
  t.same(await places(), [0, 1]);
  await pacer.see(delivery('ID00001', 'c@two.example', time.nowMs(), { status: 'expired' }));
  t.same(await places(), [0, 0]);
  t.equal(pacer.is.flights.size, 0);
});

t.test('a place that is freed lets the next one go at once', async (t) => {
  const { send, pacer, postfix, time } = await openPacing(t, { limits: LIMITS });
  for (let i = 1; i <= 3; i++) await send(`ID0000${i}`, 'a@one.example');
  await time.advance(30_000);
  t.same(postfix.left, []);
  await pacer.see(delivery('ID00002', 'a@one.example', time.nowMs()));
  await time.advance(10);
  t.same(postfix.left, ['ID00003']);
});

t.test('an address that Postfix rewrote is known by the one it came in with', async (t) => {
  const { send, pacer, store, time } = await openPacing(t, { limits: LIMITS });
  await send('ID00001', 'info@one.example');
  const origTo = 'info@one.example';
  await pacer.see(delivery('ID00001', 'someone@elsewhere.example', time.nowMs(), { origTo }));
  t.same(await store.inFlight('one.example'), []);
  t.equal(pacer.is.outcomes.bypassed, 0);
});

t.test('removed: nothing of it is under way any more', async (t) => {
  const { send, pacer, store, time } = await openPacing(t, { limits: LIMITS });
  await send('ID00001', ['a@one.example', 'c@two.example']);
  await pacer.see(removed('ID00001', time.nowMs()));
  t.same(await store.inFlight('one.example'), []);
  t.same(await store.inFlight('two.example'), []);
});

t.test('deferrals, by whose affair they are', async (t) => {
  const contacted = { contacted: false, relay: 'none' };
  const table = [
    ['the provider refuses', {}, true],
    ['greylisted', { reply: 'host said: 450 4.7.1 Greylisted' }, false],
    ['a busy mailbox', { reply: 'host said: 450 4.2.1 too fast', dsn: '4.2.1' }, false],
    ['an echo', { ...contacted, reply: 'delivery temporarily suspended: x' }, false],
    [
      'unreachable',
      { ...contacted, reply: 'connect to mx[192.0.2.1]:25: Connection refused' },
      true,
    ],
  ] as const;
  for (const [name, more, isTrouble] of table) {
    const { send, pacer, postfix, time } = await openPacing(t, { limits: LIMITS });
    await send('ID00001', 'a@one.example');
    postfix.put('ID00001', 'deferred');
    await pacer.see(deferral('ID00001', 'a@one.example', time.nowMs(), more));
    t.equal(pacer.is.patients.of('one.example') !== undefined, isTrouble, name);
    await time.advance(200);
    t.equal(postfix.queueOf('ID00001'), 'hold', `${name}: taken back in any case`);
    t.equal((await send('ID00002', 'b@one.example')).kind, isTrouble ? 'hold' : 'pass', name);
    time.leave();
  }
});

t.test(
  'an outage: several refusals are one, one probe at a time, and all goes on after it',
  async (t) => {
    const limits = { 'one.example': { ...pace(600, 10), inFlight: 5 } };
    const { send, pacer, postfix, time } = await openPacing(t, { limits });
    const ids = Array.from({ length: 8 }, (_, i) => `ID0000${i}`);
    for (const id of ids) await send(id, 'a@one.example');
    await time.advance(100);
    const refuse = async (id: string): Promise<void> => {
      postfix.put(id, 'deferred');
      await pacer.see(deferral(id, 'a@one.example', time.nowMs()));
    };
    for (const id of ids.slice(0, 5)) await refuse(id);
    t.equal(pacer.is.patients.of('one.example')?.failures, 1);
    await time.advance(50_000);
    t.same(postfix.left, []);
    await time.advance(15_000);
    t.equal(postfix.left.length, 1, 'the probe');
    await refuse(postfix.left[0]!);
    t.equal(pacer.is.patients.of('one.example')?.failures, 2);
    await time.advance(110_000);
    t.equal(postfix.left.length, 1);
    await time.advance(15_000);
    t.equal(postfix.left.length, 2, 'the second probe, after twice the wait');
    await pacer.see(delivery(postfix.left[1]!, 'a@one.example', time.nowMs()));
    await pacer.see(removed(postfix.left[1]!, time.nowMs()));
    t.equal(pacer.is.patients.of('one.example'), undefined);
    await time.advance(1000);
    t.equal(postfix.left.length, 7, 'five places, the shelf left at once');
    for (const id of postfix.left.slice(2)) {
      await pacer.see(delivery(id, 'a@one.example', time.nowMs()));
      await pacer.see(removed(id, time.nowMs()));
    }
    await time.advance(2000);
    t.same(new Set(postfix.left), new Set(ids));
  },
);

t.test('a deferral of long ago is no news of the provider', async (t) => {
  const { send, pacer, time } = await openPacing(t, { limits: LIMITS });
  await send('ID00001', 'a@one.example');
  await pacer.see(deferral('ID00001', 'a@one.example', time.nowMs() - 61_000));
  t.equal(pacer.is.patients.of('one.example'), undefined);
});

t.test('refusals of mail that nobody here let go count once', async (t) => {
  const { pacer, time } = await openPacing(t, { limits: LIMITS });
  for (let i = 0; i < 6; i++) {
    await pacer.see(deferral(`ID0000${i}`, 'a@one.example', time.nowMs(), { delaySec: 30 }));
  }
  t.equal(pacer.is.patients.of('one.example')?.failures, 1);
});

t.test('released by hand: charged, followed, and not released again', async (t) => {
  const limits = { 'one.example': pace(1) };
  const { send, pacer, postfix, time, store } = await openPacing(t, { limits });
  await send('ID00001', 'a@one.example');
  await send('ID00002', 'a@one.example');
  await time.advance(2000);
  postfix.put('ID00002', 'active');
  await pacer.see(released('ID00002', time.nowMs()));
  t.equal(pacer.is.desk.record('ID00002'), undefined);
  t.ok(pacer.is.flights.get('ID00002'));
  t.equal((await store.usage('one.example')).minute, 2);
  await time.advance(120_000);
  t.same(postfix.left, []);
});

t.test('deleted by hand: forgotten, and uncharged', async (t) => {
  const { send, pacer, postfix, time, store } = await openPacing(t, {
    limits: { 'one.example': pace(1) },
  });
  await send('ID00001', 'a@one.example');
  await send('ID00002', 'a@one.example');
  await time.advance(2000);
  await pacer.see(removed('ID00002', time.nowMs()));
  t.equal(pacer.is.desk.size, 0);
  await time.advance(120_000);
  t.same(postfix.left, []);
  t.equal((await store.usage('one.example')).hour, 1);
});

t.test('held by hand while it was under way: no longer ours, its place free', async (t) => {
  const { send, pacer, store, time, log } = await openPacing(t, { limits: LIMITS });
  await send('ID00001', 'a@one.example');
  await pacer.see(heldByHand('ID00001', time.nowMs()));
  t.same(await store.inFlight('one.example'), []);
  t.equal(pacer.is.desk.size, 0);
  t.equal(log.of('held by hand').length, 1);
  await pacer.see(heldByHand('UNKNOWN1', time.nowMs()));
  t.equal(log.of('held by hand').length, 1);
});

t.test('lines that are read once more after a restart are no news', async (t) => {
  const { hold, pacer, time } = await openPacing(t, {
    limits: { 'one.example': pace(1) },
    starts: false,
  });
  const before = time.nowMs() - 5000;
  hold('ID00001', 'a@one.example');
  for (const event of [
    released('ID00001', before),
    removed('ID00001', before),
    deferral('ID00001', 'a@one.example', before),
    heldByHand('ID00001', before),
  ]) {
    await pacer.see(event);
  }
  t.ok(pacer.is.desk.record('ID00001'));
  t.equal(pacer.is.patients.of('one.example'), undefined);
  await pacer.see({
    kind: 'renamed',
    atMs: before,
    program: 'postsuper',
    pid: 1,
    queueId: 'ID00001',
    newId: 'ID00009',
  });
  t.same(pacer.is.desk.record('ID00009')?.formerIds, ['ID00001'], 'a new name always is');
});

t.test('what went round us is charged and counted', async (t) => {
  const { pacer, store, time } = await openPacing(t, { limits: LIMITS });
  await pacer.see(delivery('ALIEN01', 'a@one.example', time.nowMs()));
  await pacer.see(delivery('ALIEN02', 'a@mail.inside', time.nowMs()));
  await pacer.see(delivery('ALIEN03', 'a@one.example', time.nowMs() - 120_000));
  await pacer.see(delivery('ALIEN04', 'a@one.example', time.nowMs(), { program: 'pipe' }));
  await time.settle();
  t.equal((await store.usage('one.example')).minute, 1);
  t.equal(pacer.is.outcomes.bypassed, 1);
  t.match(pacer.warnings(), ['1 recipient(s) left without passing the milter']);
});

t.test('what a run before this one let go did not go round us', async (t) => {
  const { pacer, store, time } = await openPacing(t, { limits: LIMITS });
  const limits = LIMITS['one.example'];
  const demands = [{ provider: 'one.example', recipients: 1, limits }];
  await store.take({ id: 'mx/BEFORE1', lane: 0, queued: true, demands });
  await pacer.see(delivery('BEFORE1', 'a@one.example', time.nowMs()));
  await time.settle();
  t.equal((await store.usage('one.example')).minute, 1);
  t.equal(pacer.is.outcomes.bypassed, 0);
});

t.test('a delivery that is read twice is charged once', async (t) => {
  const { send, pacer, store, time } = await openPacing(t, { limits: LIMITS });
  await send('ID00001', 'a@one.example');
  for (let i = 0; i < 2; i++) {
    await pacer.see(delivery('ID00001', 'a@one.example', time.nowMs()));
    await pacer.see(delivery('ALIEN01', 'a@one.example', time.nowMs()));
    await pacer.see(removed('ID00001', time.nowMs()));
  }
  await time.settle();
  t.equal((await store.usage('one.example')).minute, 2);
  t.equal(pacer.is.outcomes.bypassed, 1, 'the one that nobody let go');
});

t.test('nor is what was delivered just before this run began', async (t) => {
  const { pacer, store, time } = await openPacing(t, { limits: LIMITS });
  await pacer.see(delivery('BEFORE1', 'a@one.example', time.nowMs() - 1000));
  await time.settle();
  t.equal((await store.usage('one.example')).minute, 0);
  t.equal(pacer.is.outcomes.bypassed, 0);
});

t.test('only observed: Postfix keeps its own retries', async (t) => {
  const { send, pacer, postfix, wishes, time } = await openPacing(t, { limits: LIMITS });
  wishes.observed.add('one.example');
  await send('ID00001', 'a@one.example');
  postfix.put('ID00001', 'deferred');
  await pacer.see(deferral('ID00001', 'a@one.example', time.nowMs()));
  await time.advance(60_000);
  t.same(postfix.holds, []);
  t.equal(pacer.is.patients.of('one.example'), undefined);
});

t.test(
  'where mail goes is looked up for a delivery only when it is not known already',
  async (t) => {
    const { send, pacer, wishes, time } = await openPacing(t, { limits: LIMITS });
    await send('ID00001', ['a@one.example', 'b@two.example']);
    await pacer.see(delivery('ID00001', 'A@one.example', time.nowMs()));
    await pacer.see(delivery('ALIEN01', 'c@inside.example', time.nowMs(), { program: 'local' }));
    t.same(wishes.lookedUp, []);
    await pacer.see(delivery('ID00001', 'else@two.example', time.nowMs()));
    await pacer.see(delivery('ALIEN02', 'd@one.example', time.nowMs()));
    await pacer.see(deferral('ID00001', 'b@two.example', time.nowMs()));
    t.same(wishes.lookedUp, ['else@two.example', 'd@one.example', 'b@two.example']);
  },
);
