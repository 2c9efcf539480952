import t from 'tap';
import type { DeliveryEvent } from '../../src/postfix/event.ts';
import { openFeedback } from './feedback-scene.ts';

const SEC = 1000;
const MIN = 60 * SEC;
const HOUR = 60 * MIN;

const refused = (dsn: string, said: string, command: string): Partial<DeliveryEvent> => ({
  status: 'bounced',
  dsn,
  reply: `host mx.p.example[198.51.100.1] said: ${said} (in reply to ${command} command)`,
});
const POLICY = refused('5.7.1', '550 5.7.1 Message rejected due to local policy', 'end of DATA');
const SLOW = refused('4.7.0', '421 4.7.0 Too many messages, slow down', 'MAIL FROM');
const BLOCKED = refused(
  '5.7.1',
  '554 5.7.1 Service unavailable; Client host [192.0.2.25] blocked using zen.spamhaus.org',
  'RCPT TO',
);
const UNKNOWN = refused('5.1.1', '550 5.1.1 user unknown', 'RCPT TO');

t.test('the first judgement counts where nothing was ever delivered', async (t) => {
  const { time, learner, leave, outcome } = await openFeedback(t);
  await leave('a');
  const leftMs = time.nowMs();
  await time.advance(SEC);
  await outcome('a', leftMs, POLICY);
  t.ok(learner.factor('p') < 1, `factor ${learner.factor('p')}`);
});

t.test('and not where something was', async (t) => {
  const { time, learner, leave, outcome } = await openFeedback(t);
  await leave('a', 'b');
  const leftMs = time.nowMs();
  await time.advance(SEC);
  await outcome('a', leftMs);
  await outcome('b', leftMs, POLICY);
  t.equal(learner.factor('p'), 1);
});

t.test('what another host delivered since a judgement counts here', async (t) => {
  const { time, store, learner, outcome, anotherLearner } = await openFeedback(t);
  await store.charge([{ provider: 'p', recipients: 2000, limits: { quotas: [] } }]);
  await time.advance(SEC);
  await outcome('a', time.nowMs() - SEC, POLICY);
  const another = await anotherLearner();
  await time.advance(HOUR);
  const leftMs = time.nowMs() - SEC;
  await another.tell('p', { kind: 'taken', id: 'elsewhere', leftMs, recipients: 9 }, 'delivered');
  await outcome('b', leftMs, POLICY);
  t.equal(learner.factor('p'), 1, 'two of 2,000');
});

t.test('a reply that is read long after says nothing of what is sent now', async (t) => {
  const { time, learner, leave, outcome } = await openFeedback(t);
  await leave(...Array.from({ length: 30 }, (_, i) => `a${i}`));
  const leftMs = time.nowMs();
  await time.advance(HOUR / 4);
  await leave('lonely');
  const slow = refused('4.7.0', '421 4.7.0 Too many messages, slow down', 'MAIL FROM');
  await outcome('a1', leftMs, slow);
  t.equal(learner.factor('p'), 0.5);
});

t.test('an unknown recipient at RCPT does not show that a block at RCPT is over', async (t) => {
  const { time, learner, feedback, leave, outcome } = await openFeedback(t);
  await leave('a');
  await time.advance(SEC);
  await outcome('a', time.nowMs() - SEC, BLOCKED);
  t.match(learner.standing('p')?.stop, { phase: 'suspended' });
  await time.advance(25 * HOUR);
  t.ok(await feedback.claim('p', 'b'));
  await outcome('b', time.nowMs(), UNKNOWN);
  t.match(learner.standing('p')?.stop, { phase: 'probing', step: 0, taken: 0, unclear: 1 });
  t.ok(await feedback.claim('p', 'c'));
  await outcome('c', time.nowMs());
  t.match(learner.standing('p')?.stop, { phase: 'probing', step: 1 });
});

t.test('what the queue manager kept back opens nothing', async (t) => {
  const { time, learner, feedback, outcome } = await openFeedback(t);
  await time.advance(SEC);
  await outcome('a', time.nowMs() - SEC, BLOCKED);
  await time.advance(25 * HOUR);
  const echo = 'delivery temporarily suspended: connect to mx.p.example[198.51.100.1]:25: refused';
  const kept = { status: 'deferred', relay: 'none', reply: echo, contacted: false } as const;
  for (let i = 0; i < 12; i++) {
    t.ok(await feedback.claim('p', `k${i}`));
    await outcome(`k${i}`, time.nowMs(), kept);
  }
  t.match(learner.standing('p')?.stop, { phase: 'probing', step: 0, unclear: 0 });
});

t.test('a probe that a crash kept from leaving has its place still', async (t) => {
  const { time, feedback, outcome, anotherLearner } = await openFeedback(t);
  await time.advance(SEC);
  await outcome('a', time.nowMs() - SEC, BLOCKED);
  await time.advance(25 * HOUR);
  t.ok(await feedback.claim('p', 'b'));
  const next = await anotherLearner();
  t.equal(next.room('p')?.messages, 0, 'for others there is none');
  t.equal(next.room('p', 'b')?.messages, 1);
  t.ok(await next.claim('p', 'b'));
  t.notOk(await next.claim('p', 'c'));
});

t.test('what left before an operator reset it or opened it changes nothing', async (t) => {
  const { time, learner, feedback, outcome } = await openFeedback(t);
  for (const [reply, forget] of [
    [SLOW, true],
    [BLOCKED, false],
  ] as const) {
    const leftMs = time.nowMs();
    await time.advance(SEC);
    await outcome('a', leftMs, reply);
    const { factor = 1 } = learner.standing('p') ?? {};
    await time.advance(SEC);
    const lateMs = time.nowMs();
    await time.advance(SEC);
    await feedback.reopen('p', forget);
    await outcome('b', lateMs, reply);
    t.match(learner.standing('p'), { factor: forget ? 1 : factor, stop: undefined });
    await time.advance(SEC);
    await outcome('c', time.nowMs() - 1, reply);
    t.not(learner.standing('p')?.factor, 1, 'what left after does');
    await time.advance(2 * HOUR);
  }
});

t.test('what is pinned is not lowered meanwhile, and a block stops it', async (t) => {
  const { time, learner, outcome, pinned } = await openFeedback(t);
  pinned.add('p');
  for (let i = 0; i < 9; i++) {
    await time.advance(MIN);
    await outcome(`s${i}`, time.nowMs() - SEC, SLOW);
  }
  t.equal(learner.factor('p'), 1);
  pinned.delete('p');
  t.equal(learner.factor('p'), 1, 'nor when that is over');
  pinned.add('p');
  await outcome('b', time.nowMs() - 1, BLOCKED);
  t.equal(learner.room('p')?.messages, 0);
  pinned.delete('p');
  t.match(learner.standing('p'), { factor: 1, wall: undefined }, 'and teaches no rate either');
});

t.test('steps that time made are marked as blind, and so is the opening', async (t) => {
  const { time, store, learner, feedback, outcome } = await openFeedback(t);
  await time.advance(SEC);
  await outcome('a', time.nowMs() - SEC, BLOCKED);
  await time.advance(25 * HOUR);
  for (let i = 0; feedback.room('p') !== undefined; i++) {
    t.ok(await feedback.claim('p', `k${i}`));
    await time.advance(15 * MIN);
  }
  await learner.tidy();
  await time.settle();
  const why = 'by time: probes had no outcome';
  t.match(await store.history('p', 3), [
    { kind: 'opened', from: 'probing, 4 at a time, blind', why },
    { kind: 'probing', to: 'probing, 4 at a time, blind', why },
    { kind: 'probing', from: 'probing, 1 at a time', to: 'probing, 2 at a time, blind', why },
  ]);
  t.equal(learner.standing('p')?.stop, undefined);
});

t.test('of what lowered the rate status has the reply, not of what came after', async (t) => {
  const { time, feedback, leave, outcome } = await openFeedback(t);
  await leave('a', 'b');
  await time.advance(SEC);
  await outcome('a', time.nowMs() - SEC, SLOW);
  await time.advance(MIN);
  const crowded = '421 4.7.0 Too many concurrent connections from your IP';
  await outcome('b', time.nowMs() - SEC, refused('4.7.0', crowded, 'MAIL FROM'));
  t.equal(feedback.places('p'), 1);
  t.match((await feedback.report('p', true)).feedback, { phase: 'slowed', reply: /slow down/ });
});

t.test('who blocked us once and is sent nothing any more is forgotten', async (t) => {
  const { time, store, learner, outcome } = await openFeedback(t);
  await time.advance(SEC);
  await outcome('a', time.nowMs() - SEC, BLOCKED);
  await time.advance(6 * 24 * HOUR);
  await learner.tidy();
  t.equal((await store.standings()).size, 1, 'half open for a week');
  await time.advance(2 * 24 * HOUR);
  await learner.tidy();
  t.equal((await store.standings()).size, 0);
});

t.test('of what lowered nothing but the messages at once status has the reply too', async (t) => {
  const { time, feedback, store, leave, outcome } = await openFeedback(t);
  await leave('a', 'b');
  await time.advance(SEC);
  const crowded = '421 4.7.0 Too many concurrent connections from your IP';
  await outcome('b', time.nowMs() - SEC, refused('4.7.0', crowded, 'MAIL FROM'));
  t.match(await feedback.report('p', true), {
    factor: 1,
    feedback: { phase: 'crowded', since: time.nowMs(), until: null, reply: /Too many concurrent/ },
  });
  t.equal((await feedback.report('p', false)).feedback, null, 'as many as configured again');
  t.match(await store.history('p', 1), [{ kind: 'crowded', to: '1 at once' }]);
});
