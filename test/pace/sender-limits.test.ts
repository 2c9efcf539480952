import * as fc from 'fast-check';
import t from 'tap';
import type { Limits } from '../../src/limit/limits.ts';
import { LineUp } from '../../src/pace/line-up.ts';
import { brokenPromises } from '../store/windows.ts';
import type { Admitted } from '../store/windows.ts';
import { openPacing, pace } from './pacing.ts';
import { anItem } from './waiting-item.ts';

/** 60/min for all of them, 12/min for each. */
const SHARED: Limits = { ...pace(60, 2), perSender: pace(12, 2) };
const P = { 'p.example': SHARED };
const RUNAWAY = 'runaway@app.example';
const OTHER = 'other@app.example';

t.test('a sender that runs away waits for its own limit, and nobody else does', async (t) => {
  const { send, time, postfix, pacer, store } = await openPacing(t, { limits: P });
  for (let i = 0; i < 100; i++) await send(`RUN${i}x`, `u${i}@p.example`, RUNAWAY);
  t.equal(pacer.is.desk.size, 98);
  const whys = [...pacer.is.desk.records()].map(({ why }) => why);
  t.equal(whys[0], 'sender limit of p.example: pace');
  t.same(
    [...new Set(whys.slice(1))],
    ['sender limit of p.example: older mail of the sender waits'],
  );
  t.ok(pacer.is.scheduler.isLimited('p.example', 'mx/RUN50x'));
  await time.advance(2000);
  // The other sends every six seconds: all of it passes at once.
  for (let i = 0; i < 10; i++) {
    t.same(await send(`OTH${i}xx`, 'a@p.example', OTHER), { kind: 'pass' }, `mail ${i}`);
    t.notOk(pacer.is.scheduler.isLimited('p.example', `mx/OTH${i}xx`));
    await time.advance(6000);
  }
  t.equal(postfix.left.length, 12, 'and the one that ran away has its own pace');
  t.same(await store.providers(), ['p.example']);
});

t.test('its own fresh mail does not overtake what waits of it', async (t) => {
  const { send, time, postfix } = await openPacing(t, { limits: P });
  for (let i = 0; i < 4; i++) await send(`OLD${i}xx`, 'a@p.example', RUNAWAY);
  await time.advance(4990);
  t.match(await send('FRESH1', 'a@p.example', RUNAWAY), { kind: 'hold' });
  await time.advance(30_000);
  t.same(postfix.left, ['OLD2xx', 'OLD3xx', 'FRESH1']);
});

t.test('a better lane of the same sender goes first', async (t) => {
  const { send, time, postfix, wishes } = await openPacing(t, { limits: P });
  for (let i = 0; i < 5; i++) await send(`BULK0${i}`, 'a@p.example', RUNAWAY);
  wishes.laneOf = () => 'transactional';
  await send('URGENT', 'a@p.example', RUNAWAY);
  await time.advance(6000);
  t.same(postfix.left, ['URGENT']);
});

t.test('a login is a sender, whatever address it writes', async (t) => {
  const { send, pacer, time, stateDir, store, postfix } = await openPacing(t, { limits: P });
  const verdicts = [];
  for (let i = 0; i < 4; i++) {
    verdicts.push((await send(`LOG${i}xx`, 'a@p.example', `x${i}@app.example`, 'Wekan')).kind);
  }
  t.same(verdicts, ['pass', 'pass', 'hold', 'hold']);
  t.equal(
    (await send('OTHER1', 'a@p.example', 'x1@app.example')).kind,
    'hold',
    'the pace is spent',
  );
  await time.advance(1500);
  t.ok(postfix.left.includes('OTHER1'), 'the address by itself is another sender');
  t.equal(pacer.is.desk.record('LOG3xx')?.login, 'Wekan');
  pacer.stop();
  const again = await openPacing(t, { limits: P, stateDir, store, time, postfix });
  t.equal(again.pacer.is.desk.item('LOG3xx')?.sender, 'login:wekan', 'after a restart too');
});

t.test('the provider’s own limit holds for all of them: they take turns', async (t) => {
  const limits = { 'p.example': { ...pace(60), perSender: pace(55, 5) } };
  const { send, time, postfix } = await openPacing(t, { limits });
  for (let i = 0; i < 30; i++) await send(`ONE${i}x`, 'a@p.example', RUNAWAY);
  for (let i = 0; i < 30; i++) await send(`TWO${i}x`, 'a@p.example', OTHER);
  await time.advance(20_500);
  const ones = postfix.left.filter((id) => id.startsWith('ONE')).length;
  t.equal(postfix.left.length, 20);
  t.ok(ones >= 9 && ones <= 11, `${ones} of 20`);
});

t.test('mail to two providers waits for a sender’s limit at one, others go at both', async (t) => {
  const limits = { ...P, 'q.example': pace(20) };
  const { send, time, postfix } = await openPacing(t, { limits });
  const both = ['a@p.example', 'a@q.example'];
  for (let i = 0; i < 6; i++) await send(`RUN${i}xx`, i < 2 ? 'a@p.example' : both, RUNAWAY);
  await time.advance(100);
  t.same(await send('OTHERQ', 'a@q.example', OTHER), { kind: 'pass' });
  t.same(await send('OTHERP', 'a@p.example', OTHER), { kind: 'hold', why: 'pace of p.example' });
  await time.advance(1000);
  t.same(postfix.left, ['OTHERP']);
  await time.advance(25_000);
  t.same(postfix.left.slice(1), ['RUN2xx', 'RUN3xx', 'RUN4xx', 'RUN5xx']);
});

t.test('pass, a raised limit and a reload open what was closed, at once', async (t) => {
  const { send, time, postfix, pacer, store, wishes } = await openPacing(t, { limits: P });
  const hour = { ...pace(60, 2), perSender: pace(1, 1, 3600e6) };
  wishes.limits['p.example'] = hour;
  for (let i = 0; i < 5; i++) await send(`RUN${i}xx`, 'a@p.example', RUNAWAY);
  await time.advance(5000);
  t.same(postfix.left, []);
  wishes.limits['p.example'] = { ...pace(60, 2), perSender: pace(60, 1) };
  pacer.is.scheduler.wakeAll();
  await time.advance(60_500);
  t.same(postfix.left, ['RUN1xx', 'RUN2xx', 'RUN3xx', 'RUN4xx'], 'an hour of debt is now a minute');
  wishes.limits['p.example'] = hour;
  t.same(await send('LAST01', 'a@p.example', RUNAWAY), { kind: 'pass' }, 'all of it is paid');
  await send('LAST02', 'a@p.example', RUNAWAY);
  await time.advance(5000);
  t.equal(postfix.left.length, 4);
  const why = { atUs: 0, provider: 'p.example', kind: 'pass', from: '', to: '', why: '', by: '' };
  await store.setControl('p.example', { pass: {} }, { ...why, kind: 'pass' });
  await time.advance(1000);
  t.equal(postfix.left.length, 5);
});

t.test('a hand’s release is charged to the sender too', async (t) => {
  const { send, time, pacer, postfix } = await openPacing(t, { limits: P });
  for (let i = 0; i < 4; i++) await send(`RUN${i}xx`, 'a@p.example', RUNAWAY);
  const record = pacer.is.desk.record('RUN3xx')!;
  pacer.is.outcomes.charge(record);
  pacer.is.desk.release(record);
  pacer.is.departures.leave(record);
  await time.advance(9000);
  t.same(postfix.left, ['RUN3xx'], 'the other waits five seconds more for it');
  await time.advance(2000);
  t.same(postfix.left, ['RUN3xx', 'RUN2xx']);
});

t.test('what is said to the other hosts: the limited sender’s mail by itself', async (t) => {
  const said = new Map<string, readonly number[]>();
  const it = new LineUp((provider, counts, sender = '') =>
    said.set(`${provider} ${sender}`, [...counts]),
  );
  const one = anItem('m1', { p: 1 }, { sender: 'a' });
  it.add(one, false);
  it.add(anItem('m2', { p: 1 }, { sender: 'a' }), false);
  it.add(anItem('m3', { p: 1 }, { sender: 'b' }), false);
  t.same([...said], [['p ', [3]]]);
  it.limit(one, 'p', 1000);
  t.same([said.get('p '), said.get('p a'), said.get('p b')], [[1], [2], undefined]);
  t.equal(it.queue('p')?.next()?.id, 'm3');
  it.remove('m1');
  t.same([said.get('p '), said.get('p a')], [[1], [1]]);
  it.unlimit(anItem('m2', { p: 1 }, { sender: 'a' }), it.queue('p')!);
  t.same([said.get('p '), said.get('p a')], [[2], [0]]);
  it.limit(it.get('m2')!, 'p', 1000);
  it.remove('m2');
  it.remove('m3');
  t.same([said.get('p '), said.get('p a')], [[0], [0]]);
  t.equal(it.queue('p'), undefined);
});

t.test('whatever comes, no sender and no provider gets more, and nobody starves', async (t) => {
  const arrival = fc.record({
    sender: fc.integer({ min: 0, max: 3 }),
    both: fc.boolean(),
    recipients: fc.integer({ min: 1, max: 3 }),
    afterMs: fc.constantFrom(0, 0, 0, 50, 700, 5000),
    lane: fc.constantFrom('transactional', 'default', 'bulk'),
  });
  const own: Limits = { pace: pace(20, 2).pace!, quotas: [{ count: 25, windowUs: 120e6 }] };
  const limits: Limits = { ...pace(60, 4), perSender: own };
  await fc.assert(
    fc.asyncProperty(fc.array(arrival, { minLength: 20, maxLength: 60 }), async (arrivals) => {
      const p = await openPacing(t, { limits: { 'p.example': limits, 'q.example': pace(40, 3) } });
      const ledgers = new Map<string, Admitted[]>();
      const count = (name: string, recipients: number): void => {
        const entry = { atUs: p.time.nowUs(), recipients };
        ledgers.set(name, [...(ledgers.get(name) ?? []), entry]);
      };
      const sent = new Map<string, { readonly sender: string; readonly recipients: number }>();
      const left = (id: string): void => {
        const { sender, recipients } = sent.get(id)!;
        count('all', recipients);
        count(sender, recipients);
      };
      p.postfix.onRelease = ({ queueId }) => left(queueId);
      let passed = 0;
      for (const [i, { sender: who, both, recipients, afterMs, lane }] of arrivals.entries()) {
        const id = `ID${1000 + i}`;
        const sender = `s${who}@x.example`;
        p.wishes.laneOf = () => lane;
        sent.set(id, { sender, recipients });
        const to = Array.from({ length: recipients }, (_, n) => `u${n}@p.example`);
        const verdict = await p.send(id, both ? [...to, 'x@q.example'] : to, sender);
        if (verdict.kind === 'pass') {
          passed++;
          left(id);
        }
        await p.time.advance(afterMs);
      }
      await p.time.advance(15 * 60_000);
      p.pacer.stop();
      p.time.leave();
      const broken = [...ledgers].flatMap(([name, ledger]) =>
        brokenPromises(ledger, name === 'all' ? limits : own),
      );
      return broken.length === 0 && passed + p.postfix.left.length === arrivals.length;
    }),
    { numRuns: 10 },
  );
  t.pass('no counterexample');
});
