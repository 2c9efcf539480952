import t from 'tap';
import { deferral } from './log-events.ts';
import { openPacing, pace } from './pacing.ts';

const HOUR_MS = 3600e3;
const SUSPENDED = {
  atUs: 0,
  provider: 'one.example',
  kind: 'suspend',
  from: '',
  to: '',
  why: '',
  by: '',
} as const;

async function opened(t: Parameters<typeof openPacing>[0]) {
  const pacing = await openPacing(t, { limits: { 'one.example': pace(60) } });
  pacing.wishes.maxHoldMs = 10 * HOUR_MS;
  await pacing.send('FIRST01', 'a@one.example');
  return pacing;
}

t.test('release: before all others, still at the pace', async (t) => {
  const { hold, pacer, time, postfix, log } = await opened(t);
  const arrivedMs = time.nowMs() - 11 * HOUR_MS;
  for (let i = 0; i < 3; i++) hold(`YOUNG0${i}`, 'a@one.example', { lane: 'default' });
  for (let i = 0; i < 3; i++) hold(`OLD000${i}`, 'a@one.example', { lane: 'bulk', arrivedMs });
  await pacer.compare();
  t.equal(log.of('goes before all others').length, 3);
  await time.advance(3200);
  t.same(
    postfix.left.map((id) => id.slice(0, 3)),
    ['OLD', 'OLD', 'OLD'],
  );
  await time.advance(5000);
  t.equal(postfix.left.length, 6);
});

t.test('suspended: one for each provider and comparison goes all the same', async (t) => {
  const { hold, pacer, time, postfix, store, log } = await opened(t);
  await store.setControl('one.example', { suspended: {} }, SUSPENDED);
  const arrivedMs = time.nowMs() - 11 * HOUR_MS;
  for (let i = 0; i < 4; i++) hold(`OLD000${i}`, 'a@one.example', { arrivedMs });
  await pacer.compare();
  await time.advance(60_000);
  t.same(postfix.left, [], 'promoted first');
  t.equal(pacer.is.maxHold.counts.overdue, 4);
  t.match(pacer.warnings()[0], /4 message\(s\) are held for longer than max_hold/);
  for (let round = 1; round <= 3; round++) {
    await pacer.compare();
    await time.advance(60_000);
    t.equal(postfix.left.length, round);
  }
  t.equal(new Set(postfix.left).size, 3);
  t.equal(log.of('whatever the limits say').length, 3);
  t.equal((await store.usage('one.example')).hour, 4, 'and they are charged');
});

t.test('deferred again and on the shelf: still one at a time', async (t) => {
  const { hold, pacer, time, postfix } = await opened(t);
  const arrivedMs = time.nowMs() - 11 * HOUR_MS;
  await pacer.see(deferral('ALIEN01', 'x@one.example', time.nowMs()));
  const notBeforeMs = time.nowMs() + HOUR_MS;
  for (let i = 0; i < 4; i++) {
    hold(`OLD000${i}`, 'a@one.example', { arrivedMs, notBeforeMs, lane: 'transactional' });
  }
  await pacer.compare();
  for (let i = 0; i < 4; i++) {
    const record = pacer.is.desk.record(`OLD000${i}`);
    if (record !== undefined) pacer.is.desk.hold({ ...record, notBeforeMs });
  }
  const before = postfix.left.length;
  await pacer.compare();
  await time.advance(100);
  t.equal(postfix.left.length, before + 1);
});

t.test('keep: stays, and is told once', async (t) => {
  const { hold, pacer, time, postfix, wishes, log } = await opened(t);
  wishes.onMaxHold = 'keep';
  wishes.limits['one.example'] = pace(1, 1, 100 * HOUR_MS * 1000);
  hold('OLD0001', 'a@one.example', { arrivedMs: time.nowMs() - 11 * HOUR_MS });
  await pacer.compare();
  await pacer.compare();
  t.same(
    log.of('max_hold').map(({ text }) => text),
    ['max_hold: kept'],
  );
  t.same(postfix.left, []);
});

t.test('bounce: returned to its sender; where that is not possible it is kept', async (t) => {
  const { hold, pacer, time, postfix, wishes, log } = await opened(t);
  wishes.onMaxHold = 'bounce';
  wishes.limits['one.example'] = pace(1, 1, 100 * HOUR_MS * 1000);
  const arrivedMs = time.nowMs() - 11 * HOUR_MS;
  hold('OLD0001', 'a@one.example', { arrivedMs });
  await pacer.compare();
  t.equal(log.of('max_hold: kept').length, 1);
  postfix.withExpire();
  postfix.broken = new Error('no helper');
  await pacer.compare();
  await time.settle();
  t.equal(log.of('cannot be returned').length, 1);
  t.ok(pacer.is.desk.record('OLD0001'));
  postfix.broken = undefined;
  await pacer.compare();
  await time.settle();
  t.same(postfix.expired, ['OLD0001']);
  t.equal(pacer.is.desk.record('OLD0001'), undefined);
});

t.test('what comes near is told of, again only when it is more', async (t) => {
  const { hold, pacer, time, wishes, log } = await opened(t);
  wishes.limits['one.example'] = pace(1, 1, 100 * HOUR_MS * 1000);
  const near = time.nowMs() - 8.5 * HOUR_MS;
  hold('NEAR001', 'a@one.example', { arrivedMs: near });
  hold('YOUNG01', 'a@one.example');
  await pacer.compare();
  await pacer.compare();
  t.equal(log.of('comes near max_hold').length, 1);
  hold('NEAR002', 'a@one.example', { arrivedMs: near });
  await pacer.compare();
  t.same(
    log.of('comes near max_hold').map(({ fields }) => fields.messages),
    [1, 2],
  );
  t.match(pacer.warnings(), ['2 message(s) come near max_hold']);
  t.equal(pacer.is.maxHold.expiresMs(pacer.is.desk.record('NEAR001')!), near + 10 * HOUR_MS);
});
