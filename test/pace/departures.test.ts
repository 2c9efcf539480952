import t from 'tap';
import { deferral, delivery, removed } from './log-events.ts';
import { openPacing, pace } from './pacing.ts';

const FREE = {};
const idsOf = (batch: readonly { readonly queueId: string }[]) =>
  batch.map(({ queueId }) => queueId);

t.test('what is due together leaves in one call, and one record less each', async (t) => {
  const { hold, postfix, time, pacer, book } = await openPacing(t, { limits: FREE });
  for (let i = 0; i < 5; i++) hold(`ID0000${i}`, `a@p${i}.example`, { wasDeferred: i === 3 });
  await time.advance(10);
  t.equal(postfix.releases.length, 1);
  t.same(postfix.left, ['ID00000', 'ID00001', 'ID00002', 'ID00003', 'ID00004']);
  t.same(
    postfix.releases[0]?.map(({ wasDeferred }) => wasDeferred),
    [false, false, false, true, false],
  );
  t.equal(book.size, 0);
  t.equal(pacer.is.flights.size, 5);
});

t.test('the record goes only with the confirmation', async (t) => {
  const { hold, postfix, time, book, log } = await openPacing(t, { limits: FREE });
  let confirm: (() => void) | undefined;
  postfix.before = () =>
    new Promise((resolve) => {
      confirm = resolve;
    });
  hold('ID00001', 'a@one.example');
  await time.advance(1000);
  t.equal(postfix.releases.length, 1);
  t.ok(book.get('ID00001'));
  confirm?.();
  await time.settle();
  t.notOk(book.get('ID00001'));
  t.same(log.of('released')[0]?.fields, {
    queueId: 'ID00001',
    providers: ['one.example'],
    lane: 'default',
    waitedMs: 1000,
    deferrals: 0,
    how: 'confirmed',
  });
});

t.test(
  'not confirmed, and gone: the next listing settles it, nothing is released twice',
  async (t) => {
    const { hold, postfix, time, book, log, store } = await openPacing(t, { limits: FREE });
    postfix.silent.add('ID00001');
    hold('ID00001', 'a@one.example');
    await time.advance(1000);
    t.ok(book.get('ID00001'));
    await time.advance(1000);
    t.notOk(book.get('ID00001'));
    t.equal(log.of('released')[0]?.fields.how, 'seen in the queue');
    await time.advance(60_000);
    t.same(postfix.left, ['ID00001']);
    t.equal((await store.usage('one.example')).hour, 1);
  },
);

t.test('not confirmed, and still held: it waits again, charged anew', async (t) => {
  const { hold, postfix, time, book, log, store } = await openPacing(t, {
    limits: { 'one.example': pace(60) },
  });
  postfix.deaf.add('ID00001');
  hold('ID00001', 'a@one.example');
  await time.advance(1000);
  hold('ID00002', 'a@one.example');
  await time.advance(500);
  postfix.deaf.clear();
  await time.advance(5000);
  t.same(postfix.left, ['ID00001', 'ID00002', 'ID00001']);
  t.equal(log.of('still in hold').length, 1);
  t.equal(book.size, 0);
  t.equal((await store.usage('one.example')).minute, 3, 'nothing is given back on doubt');
});

t.test('its place is free while it waits again: others are not locked out', async (t) => {
  const { hold, postfix, time, store, pacer } = await openPacing(t, {
    limits: { 'one.example': { quotas: [], inFlight: 1 } },
  });
  await pacer.inherit();
  postfix.deaf.add('ID00001');
  hold('ID00001', 'a@one.example', { sender: 'one@example.org' });
  hold('ID00002', 'a@one.example', { sender: 'two@example.org' });
  await time.advance(1700);
  t.same(postfix.left.slice(0, 2), ['ID00001', 'ID00002']);
  t.same(
    (await store.inFlight('one.example')).map(({ id }) => id),
    ['mx/ID00002'],
  );
});

t.test(
  'released and asleep in the deferred queue: taken back, with no backoff of its own',
  async (t) => {
    const { hold, postfix, time, pacer } = await openPacing(t, { limits: FREE });
    postfix.silent.add('ID00001');
    hold('ID00001', 'a@one.example');
    await time.advance(100);
    postfix.put('ID00001', 'deferred');
    postfix.silent.clear();
    await time.advance(5000);
    t.same(postfix.holds.flat(), ['ID00001']);
    t.same(postfix.left, ['ID00001', 'ID00001']);
    t.equal(pacer.is.flights.get('ID00001')?.record.deferrals, 0);
  },
);

t.test(
  'the helper fails: nothing is charged for a while, and each failure makes it longer',
  async (t) => {
    const { hold, postfix, time, pacer, store, log } = await openPacing(t, { limits: FREE });
    postfix.broken = new Error('connect ENOENT release.sock');
    for (let i = 0; i < 3; i++) hold(`ID0000${i}`, 'a@one.example');
    await time.advance(100);
    t.match(pacer.troubles, ['release helper: connect ENOENT release.sock']);
    t.equal(log.of('cannot be released').length, 1);
    await time.advance(60_000);
    t.ok(postfix.releases.length >= 4 && postfix.releases.length <= 10, 'asked now and then');
    t.equal(log.of('cannot be released').length, 1, 'said once');
    postfix.broken = undefined;
    await time.advance(60_000);
    t.same(pacer.troubles, []);
    t.equal(pacer.is.desk.size, 0);
    t.same(postfix.releases.slice(-1).flatMap(idsOf), ['ID00000', 'ID00001', 'ID00002']);
    t.ok((await store.usage('one.example')).day <= 3 * postfix.releases.length);
  },
);

t.test('outcomes that come before the confirmation count', async (t) => {
  const { hold, postfix, time, pacer, store } = await openPacing(t, {
    limits: { 'one.example': { quotas: [], inFlight: 1 } },
  });
  let confirm: (() => void) | undefined;
  postfix.before = () =>
    new Promise((resolve) => {
      confirm = resolve;
    });
  hold('ID00001', 'a@one.example');
  await time.advance(300);
  // A log with whole seconds: older than the hold.
  const atMs = Math.floor(time.nowMs() / 1000) * 1000 - 1000;
  await pacer.see(delivery('ID00001', 'a@one.example', atMs));
  await pacer.see(removed('ID00001', atMs));
  confirm?.();
  await time.settle();
  t.equal(pacer.is.desk.size, 0);
  t.equal(pacer.is.flights.size, 0);
  t.same(await store.inFlight('one.example'), []);
});

t.test('mail that stays on the machine leaves at once, whatever waits', async (t) => {
  const { hold, postfix, time, store } = await openPacing(t, {
    limits: { 'one.example': pace(1) },
  });
  hold('ID00001', 'a@one.example');
  hold('ID00002', 'a@one.example');
  hold('ID00003', 'me@mail.inside');
  await time.advance(100);
  t.same([...postfix.left].toSorted(), ['ID00001', 'ID00003']);
  t.equal((await store.usage('one.example')).minute, 1);
});

t.test(
  'a deferral that comes before the confirmation counts, though its stamp is in whole seconds',
  async (t) => {
    const { hold, postfix, time, pacer } = await openPacing(t, { limits: FREE });
    let confirm: (() => void) | undefined;
    postfix.before = () =>
      new Promise((resolve) => {
        confirm = resolve;
      });
    hold('ID00001', 'a@one.example');
    await time.advance(300);
    await pacer.see(deferral('ID00001', 'a@one.example', time.nowMs() - 900));
    postfix.before = async () => undefined;
    confirm?.();
    await time.settle();
    postfix.put('ID00001', 'deferred');
    await time.advance(500);
    t.equal(postfix.queueOf('ID00001'), 'hold');
    t.equal(pacer.is.desk.record('ID00001')?.deferrals, 1);
  },
);

t.test('several that are still held leave in their old order', async (t) => {
  const { hold, postfix, time } = await openPacing(t, { limits: FREE });
  const ids = ['ID00001', 'ID00002', 'ID00003'];
  for (const id of ids) {
    postfix.deaf.add(id);
    hold(id, 'a@one.example');
  }
  await time.advance(1000);
  postfix.deaf.clear();
  await time.advance(2000);
  t.same(postfix.left, [...ids, ...ids]);
});
