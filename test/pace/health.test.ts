import t from 'tap';
import { backoffMs, deferralBlames, deferred, keptBack } from '../../src/pace/health.ts';

const BACKOFF = { minMs: 1000, maxMs: 30_000 };

t.test('waits double from the shortest to the longest', async (t) => {
  const waits = [0, 1, 2, 3, 4, 5, 6, 7, 100, 5000].map((n) => backoffMs(BACKOFF, n));
  t.same(waits, [1000, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000]);
});

t.test('refusals of mail that was under way together are one', async (t) => {
  let trouble = deferred(undefined, '421 one', 0, 10_000, BACKOFF);
  t.same(trouble, { sinceMs: 10_000, failures: 1, nextProbeMs: 11_000, reply: '421 one' });
  for (const leftMs of [0, 5000, 9999]) {
    trouble = deferred(trouble, '421 more', leftMs, 10_500, BACKOFF);
  }
  t.same(trouble, { sinceMs: 10_000, failures: 1, nextProbeMs: 11_000, reply: '421 more' });
});

t.test('each probe that is refused makes the wait longer', async (t) => {
  let trouble = deferred(undefined, '421', 0, 10_000, BACKOFF);
  const probes: number[] = [];
  for (let nowMs = trouble.nextProbeMs; probes.length < 7; nowMs = trouble.nextProbeMs) {
    trouble = deferred(trouble, '421', nowMs, nowMs + 500, BACKOFF);
    probes.push(trouble.nextProbeMs - (nowMs + 500));
  }
  t.same(probes, [2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  t.equal(trouble.failures, 8);
  t.equal(trouble.sinceMs, 10_000);
});

t.test('a probe that the queue manager kept back says nothing: the same wait again', async (t) => {
  const trouble = deferred(undefined, '421', 0, 10_000, BACKOFF);
  const kept = keptBack(trouble, 11_000, 11_200, BACKOFF);
  t.same(kept, { ...trouble, nextProbeMs: 12_200 });
  t.equal(keptBack(trouble, 9000, 11_200, BACKOFF), trouble, 'unless it was none');
});

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
    ['nobody', 'delivery temporarily suspended: connect to mx: Connection refused', '4.4.1', false],
    ['provider', 'connect to mx[192.0.2.1]:25: Connection refused', '4.4.1', false],
    ['provider', 'connect to mx[192.0.2.1]:25: Connection timed out', '4.4.1', false],
    ['provider', 'Host or domain name not found. Name service error for name=x', '4.4.3', false],
    ['nobody', 'mail transport unavailable', '4.3.0', false],
  ];
  for (const [who, reply, dsn, contacted] of table) {
    t.equal(deferralBlames(reply, dsn, contacted), who, reply);
  }
});

t.test('a hostile reply costs no time', async (t) => {
  const reply = `connect to ${'connect to '.repeat(100_000)}`;
  const startedMs = performance.now();
  deferralBlames(reply, '4.4.1', false);
  deferralBlames('grey'.repeat(300_000), '4.0.0', true);
  t.ok(performance.now() - startedMs < 1000);
});
