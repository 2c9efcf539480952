import t from 'tap';
import type { DeliveryEvent } from '../../src/postfix/event.ts';
import { openFeedback } from './feedback-scene.ts';

const SEC = 1000;
const HOUR = 3600 * SEC;

const refused = (dsn: string, said: string, command: string): Partial<DeliveryEvent> => ({
  status: 'bounced',
  dsn,
  reply: `host mx.p.example[198.51.100.1] said: ${said} (in reply to ${command} command)`,
});
const POLICY = refused('5.7.1', '550 5.7.1 Message rejected due to local policy', 'end of DATA');
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
