import t from 'tap';
import { openPacing, pace } from './pacing.ts';

const LIMITS = { 'one.example': pace(1), 'two.example': pace(1) };
const SETTLED_MS = 6000;

async function opened(t: Parameters<typeof openPacing>[0]) {
  const pacing = await openPacing(t, { limits: LIMITS });
  // The first of each provider passes, so that what comes next waits.
  await pacing.send('FIRST01', 'a@one.example');
  await pacing.send('FIRST02', 'a@two.example');
  return pacing;
}

t.test(
  'a hold that the log proves to be ours is adopted, with lane, age and recipients',
  async (t) => {
    const { pacer, postfix, wishes, time } = await opened(t);
    wishes.ownerOf = (id) =>
      id === 'OURS001' ? { owner: 'ours', why: 'held at DATA' } : undefined;
    const arrivalSec = Math.floor(time.nowMs() / 1000) - 300;
    postfix.put('OURS001', 'hold', {
      arrivalSec,
      sender: 'bulk@example.org',
      recipients: [{ address: 'A@One.example' }, { address: 'b@two.example', delayReason: '421' }],
    });
    t.ok(await pacer.compare());
    t.match(pacer.is.desk.record('OURS001'), {
      sender: 'bulk@example.org',
      lane: 'bulk',
      recipients: ['a@one.example', 'b@two.example'],
      arrivedMs: arrivalSec * 1000,
      wasDeferred: true,
      why: 'held while postpace was down (held at DATA)',
    });
    await time.advance(61_000);
    t.same(postfix.left, ['OURS001']);
  },
);

t.test('mail that stays here is let go at once when it is adopted', async (t) => {
  const { pacer, postfix, wishes, time } = await opened(t);
  wishes.ownerOf = () => ({ owner: 'ours', why: '' });
  postfix.put('OURS001', 'hold', { recipients: [{ address: 'a@one.example' }] });
  postfix.put('OURS002', 'hold', { recipients: [{ address: 'me@mail.inside' }] });
  await pacer.compare();
  await time.advance(10);
  t.same(postfix.left, ['OURS002']);
});

t.test('foreign and unclaimed holds are left alone, and shown', async (t) => {
  const { pacer, postfix, wishes, time, log } = await opened(t);
  wishes.ownerOf = (id) =>
    id === 'ALIEN01' ? { owner: 'foreign', why: 'held by a check: header' } : undefined;
  postfix.put('ALIEN01', 'hold');
  postfix.put('ALIEN02', 'hold');
  await pacer.compare();
  await pacer.compare();
  t.same(
    [...pacer.is.reconcile.others.values()].map(({ message, owner }) => [message.queueId, owner]),
    [
      ['ALIEN01', 'foreign'],
      ['ALIEN02', 'unclaimed'],
    ],
  );
  t.equal(log.of('left alone').length, 2, 'each is told of once');
  t.match(pacer.warnings()[0], /1 message\(s\) are in hold and the log does not tell why/);
  await time.advance(3600e3);
  t.same(postfix.left, []);
  t.equal(pacer.is.desk.size, 0);
});

t.test('`adopt: all` takes the unclaimed, and never the foreign', async (t) => {
  const { pacer, postfix, wishes } = await opened(t);
  wishes.adoptAll = true;
  wishes.ownerOf = (id) => (id === 'ALIEN01' ? { owner: 'foreign', why: 'a check' } : undefined);
  postfix.put('ALIEN01', 'hold');
  postfix.put('OTHER01', 'hold');
  await pacer.compare();
  t.same(
    [...pacer.is.desk.records()].map(({ queueId }) => queueId),
    ['OTHER01'],
  );
});

t.test('an administrator adopts by id', async (t) => {
  const { pacer, postfix, wishes } = await opened(t);
  wishes.ownerOf = () => ({ owner: 'foreign', why: 'held by hand with postsuper' });
  postfix.put('ALIEN01', 'hold');
  postfix.put('ALIEN02', 'hold');
  await pacer.compare();
  t.same(await pacer.is.reconcile.adopt(['ALIEN01', 'NOTHERE'], 'root'), ['NOTHERE']);
  t.match(pacer.is.desk.record('ALIEN01')?.why, /adopted by root/);
  t.same([...pacer.is.reconcile.others.keys()], ['ALIEN02']);
});

t.test('a file with a new name is followed by its inode and time', async (t) => {
  const { pacer, postfix, time, hold, log } = await opened(t);
  // Microsecond 123456, inode 261932: short, and as a long id.
  hold('1E2403FF2C', 'x@one.example');
  hold('OTHER001', 'x@one.example');
  await time.advance(SETTLED_MS);
  postfix.messages.delete('1E2403FF2C');
  postfix.put('4brP5J0nk8z1xkw', 'hold');
  const long = longId(123_456, 261_932);
  postfix.messages.delete('4brP5J0nk8z1xkw');
  postfix.put(long, 'hold', { recipients: [{ address: 'x@one.example' }] });
  await pacer.compare();
  t.same(pacer.is.desk.record(long)?.formerIds, ['1E2403FF2C']);
  t.equal(pacer.is.desk.record('1E2403FF2C'), undefined);
  t.equal(pacer.is.desk.size, 2);
  t.equal(log.of('renamed by Postfix').length, 1);
  await time.advance(60_000);
  t.same(postfix.left, [long]);
});

function longId(microseconds: number, inode: number): string {
  const digits = '0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz';
  const text = (value: number, base: number): string =>
    value === 0 ? '' : text(Math.floor(value / base), base) + digits.charAt(value % base);
  return `4brP5J${text(microseconds, 52).padStart(4, '0')}z${text(inode, 51)}`;
}

t.test('vanished: forgotten, but not what may be too new for the listing', async (t) => {
  const { pacer, postfix, time, hold, log } = await opened(t);
  hold('GONE001', 'x@one.example');
  await time.advance(SETTLED_MS);
  hold('FRESH01', 'x@one.example');
  postfix.messages.clear();
  await pacer.compare();
  t.same(
    [...pacer.is.desk.records()].map(({ queueId }) => queueId),
    ['FRESH01'],
  );
  t.same(
    log.of('not in the queue').map(({ fields }) => fields.queueId),
    ['GONE001'],
  );
});

t.test('released by hand, without a log: seen, charged, followed', async (t) => {
  const { pacer, postfix, time, hold, store } = await opened(t);
  hold('HAND001', 'x@one.example');
  await time.advance(SETTLED_MS);
  postfix.put('HAND001', 'active');
  const before = (await store.usage('one.example')).hour;
  await pacer.compare();
  t.equal(pacer.is.desk.size, 0);
  t.ok(pacer.is.flights.get('HAND001'));
  t.equal((await store.usage('one.example')).hour, before + 1);
});

t.test('who a message still goes to is Postfix’s to say', async (t) => {
  const { pacer, postfix, time, hold, store } = await opened(t);
  hold('ID00001', ['x@one.example', 'y@one.example', 'z@two.example']);
  await time.advance(SETTLED_MS);
  postfix.put('ID00001', 'hold', { recipients: [{ address: 'Y@one.example' }] });
  await pacer.compare();
  t.same(pacer.is.desk.record('ID00001')?.recipients, ['y@one.example']);
  const before = (await store.usage('one.example')).hour;
  await time.advance(60_000);
  t.same(postfix.left, ['ID00001']);
  t.equal((await store.usage('one.example')).hour, before + 1);
});

t.test('flights whose message is nowhere any more end, and free their places', async (t) => {
  const limits = { 'one.example': { quotas: [], inFlight: 1 } };
  const { pacer, postfix, time, send, store } = await openPacing(t, { limits });
  await send('LOST001', 'x@one.example');
  await send('NEXT001', 'x@one.example');
  await pacer.compare();
  t.equal((await store.inFlight('one.example')).length, 1, 'it is still in the queue');
  await time.advance(SETTLED_MS);
  postfix.messages.delete('LOST001');
  await pacer.compare();
  await time.advance(10);
  t.same(postfix.left, ['NEXT001']);
});

t.test('a message that is leaving is left to that', async (t) => {
  const { pacer, postfix, time, hold } = await opened(t);
  let confirm: (() => void) | undefined;
  postfix.before = () =>
    new Promise((resolve) => {
      confirm = resolve;
    });
  hold('ID00001', 'x@three.example');
  await time.advance(SETTLED_MS);
  postfix.put('ID00001', 'active');
  await pacer.compare();
  t.ok(pacer.is.desk.record('ID00001'));
  postfix.put('ID00001', 'hold');
  confirm?.();
  await time.settle();
  t.notOk(pacer.is.desk.record('ID00001'));
});

t.test('what becomes ours while the listing runs is not foreign', async (t) => {
  const { pacer, postfix, hold } = await opened(t);
  postfix.put('RACE001', 'hold');
  postfix.whileListing = () => hold('RACE001', 'x@one.example');
  await pacer.compare();
  t.same([...pacer.is.reconcile.others.keys()], []);
  t.equal(pacer.is.desk.size, 1);
});

t.test('a listing that breaks off changes nothing, and is told once', async (t) => {
  const { pacer, postfix, time, hold, log } = await opened(t);
  for (let i = 0; i < 5; i++) hold(`ID0000${i}`, 'x@one.example');
  await time.advance(SETTLED_MS);
  postfix.listBreaksAfter = 3;
  t.notOk(await pacer.compare());
  t.notOk(await pacer.compare());
  t.equal(pacer.is.desk.size, 5);
  t.match(pacer.troubles, ['queue listing: postqueue ended with 69']);
  t.equal(log.of('cannot be listed').length, 1);
  postfix.listBreaksAfter = Infinity;
  t.ok(await pacer.compare());
  t.same(pacer.troubles, []);
});

t.test('a record that is in no line is put into one', async (t) => {
  const { pacer, postfix, wishes, time, send } = await openPacing(t);
  wishes.fault = new Error('a table is broken');
  await send('ID00001', 'x@one.example');
  wishes.fault = undefined;
  await time.advance(60_000);
  t.same(postfix.left, []);
  await pacer.compare();
  await time.advance(10);
  t.same(postfix.left, ['ID00001']);
});

t.test('how large the deferred queue is', async (t) => {
  const { pacer, postfix } = await opened(t);
  for (let i = 0; i < 7; i++) postfix.put(`DEFER0${i}`, 'deferred');
  await pacer.compare();
  t.equal(pacer.is.reconcile.deferredCount, 7);
});
