import t from 'tap';
import { createClassifier } from '../../src/feedback/classify.ts';
import { deferralBlames } from '../../src/feedback/deferral.ts';
import { loadRules } from '../../src/feedback/rule-files.ts';

const classifier = createClassifier(loadRules());

function blames(reply: string, dsn: string, contacted: boolean): ReturnType<typeof deferralBlames> {
  const classification = contacted ? classifier.classify(reply, { relay: 'mx' }) : undefined;
  return deferralBlames({ reply, dsn, contacted }, classification);
}

t.test('whose affair a deferral is', async (t) => {
  const table: readonly (readonly [
    who: ReturnType<typeof deferralBlames>,
    reply: string,
    dsn: string,
    contacted: boolean,
  ])[] = [
    ['provider', 'host mx[192.0.2.1] said: 421 4.7.0 Try again later', '4.7.0', true],
    ['provider', 'host mx[192.0.2.1] said: 451 4.3.0 system error', '4.3.0', true],
    ['provider', 'host mx[192.0.2.1] refused to talk to me: 421 too many', '4.0.0', true],
    ['provider', 'lost connection with mx[192.0.2.1] while receiving the greeting', '4.4.2', true],
    ['recipient', 'host mx said: 450 4.2.0 <a@b>: Greylisted', '4.7.0', true],
    ['recipient', 'host mx said: 451 4.7.1 gray-listing in action', '4.7.1', true],
    ['recipient', 'host mx said: 450 4.2.1 receiving too fast', '4.2.1', true],
    ['recipient', 'host mx said: 452 4.2.2 mailbox full', '4.2.2', true],
    ['recipient', 'host mx said: 450 4.1.1 unverified address', '4.1.1', true],
    [
      'recipient',
      'host mx said: 450 4.7.1 <a@b>: Sender address rejected: Domain not found',
      '4.7.1',
      true,
    ],
    ['recipient', 'host mx said: 451 4.7.1 Message content looks like spam', '4.7.1', true],
    ['nobody', 'delivery temporarily suspended: connect to mx: Connection refused', '4.4.1', false],
    [
      'provider',
      'host mx said: 451 4.3.0 system error, delivery temporarily suspended',
      '4.3.0',
      true,
    ],
    ['provider', 'connect to mx[192.0.2.1]:25: Connection refused', '4.4.1', false],
    ['provider', 'connect to mx[192.0.2.1]:25: Connection timed out', '4.4.1', false],
    ['provider', 'Host or domain name not found. Name service error for name=x', '4.4.3', false],
    ['nobody', 'mail transport unavailable', '4.3.0', false],
  ];
  for (const [who, reply, dsn, contacted] of table) {
    t.equal(blames(reply, dsn, contacted), who, reply);
  }
});

t.test('a hostile reply costs no time', async (t) => {
  const reply = `connect to ${'connect to '.repeat(100_000)}`;
  const startedMs = performance.now();
  blames(reply, '4.4.1', false);
  blames('grey'.repeat(300_000), '4.0.0', true);
  t.ok(performance.now() - startedMs < 1000);
});
