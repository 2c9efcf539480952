import t from 'tap';
import type { Limits } from '../../src/limit/limits.ts';
import { EVERY, Gate } from '../../src/pace/gate.ts';
import type { Trouble } from '../../src/pace/health.ts';
import { openMemoryStore } from '../../src/store/memory.ts';
import type { Adjustment, Control, Store } from '../../src/store/store.ts';
import { MINUTE_US } from './pacing.ts';
import { toldFeedback } from './told-feedback.ts';
import { VirtualTime } from './virtual-time.ts';
import type { Test } from 'tap';

const CONFIGURED: Limits = {
  pace: { count: 20, windowUs: MINUTE_US, burst: 3 },
  quotas: [{ count: 300, windowUs: 60 * MINUTE_US }],
  inFlight: 5,
};
const WHY: Adjustment = {
  atUs: 0,
  provider: 'p',
  kind: 'override',
  from: '',
  to: '',
  why: '',
  by: 'test',
};

async function open(t: Test): Promise<{
  readonly gate: Gate;
  readonly store: Store;
  readonly time: VirtualTime;
  readonly troubles: Map<string, Trouble>;
  readonly seen: { outcomes: boolean; places: number };
  readonly set: (provider: string, control: Control) => Promise<void>;
}> {
  const time = new VirtualTime(t);
  const store = await openMemoryStore({ clock: time.forStore });
  t.teardown(() => store.close());
  const troubles = new Map<string, Trouble>();
  const seen = { outcomes: true, places: Infinity };
  const gate = new Gate({
    store,
    clock: time,
    limitsOf: () => CONFIGURED,
    troubleOf: (provider) => troubles.get(provider),
    feedback: { ...toldFeedback, places: () => seen.places },
    areNew: (_, members) => members.includes('new.example'),
    outcomesSeen: () => seen.outcomes,
  });
  const set = async (provider: string, control: Control): Promise<void> => {
    await store.setControl(provider, control, { ...WHY, provider });
    await gate.readControls();
  };
  return { gate, store, time, troubles, seen, set };
}

const share = { provider: 'p', recipients: 1 };
let serial = 0;
const message = (observed = false, shares = [share]) => ({
  sender: 'app@example.org',
  id: `mx/${serial++}`,
  lane: 0,
  shares,
  observed,
});

t.test('an override replaces what it names and keeps the rest', async (t) => {
  const { gate, set, time } = await open(t);
  const tables: readonly (readonly [string, Control['override'], Limits])[] = [
    [
      'a pace brings its own burst',
      { pace: { count: 50, windowUs: MINUTE_US }, pinned: false },
      { ...CONFIGURED, pace: { count: 50, windowUs: MINUTE_US, burst: 5 } },
    ],
    [
      'a burst alone keeps the pace',
      { burst: 7, pinned: false },
      { ...CONFIGURED, pace: { count: 20, windowUs: MINUTE_US, burst: 7 } },
    ],
    [
      'quotas replace all quotas',
      { quotas: [], inFlight: 2, pinned: false },
      { ...CONFIGURED, quotas: [], inFlight: 2 },
    ],
    ['nothing in it', { pinned: false }, CONFIGURED],
  ];
  for (const [name, override, expected] of tables) {
    await set('p', override === undefined ? {} : { override });
    t.same(gate.limits('p'), expected, name);
    t.same(gate.limits('q'), CONFIGURED, `${name}: another provider is as configured`);
  }
  await set('p', { override: { inFlight: 9, pinned: false, untilUs: time.nowUs() + 1e6 } });
  t.equal(gate.limits('p').inFlight, 9);
  await time.advance(1001);
  t.same(gate.limits('p'), CONFIGURED, 'and it expires');
});

t.test('pass: one provider, or all of them, for a time', async (t) => {
  const { gate, store, set, time } = await open(t);
  await set('p', { pass: { untilUs: time.nowUs() + 10e6 } });
  t.ok(gate.passes('p'));
  t.notOk(gate.passes('q'));
  for (let i = 0; i < 50; i++) t.ok((await gate.attempt(message(), false)).ok);
  t.equal((await store.usage('p')).minute, 50, 'counted all the same');
  await time.advance(10_001);
  t.notOk(gate.passes('p'));
  await set(EVERY, { pass: {} });
  t.ok(gate.passes('q'));
  for (let i = 0; i < 50; i++) {
    t.ok((await gate.attempt(message(false, [{ provider: 'q', recipients: 1 }]), false)).ok);
  }
  t.equal((await store.usage('q')).minute, 50);
});

t.test('pass at one provider lets no mail past the other', async (t) => {
  const { gate, store, set } = await open(t);
  await set('p', { pass: {} });
  const shares = [share, { provider: 'q', recipients: 3 }];
  t.ok((await gate.attempt(message(false, shares), false)).ok);
  const refused = await gate.attempt(message(false, shares), false);
  t.ok(!refused.ok && refused.cause.provider === 'q');
  t.equal((await store.usage('p')).minute, 1, 'a refusal counts nothing at the first');
});

t.test('trouble: one message at a time, when the probe is due', async (t) => {
  const { gate, store, troubles, time } = await open(t);
  const nowMs = time.nowMs();
  troubles.set('p', { sinceMs: nowMs, failures: 1, nextProbeMs: nowMs + 2000, reply: '421' });
  const early = await gate.attempt(message(), true);
  t.ok(!early.ok && early.cause.kind === 'trouble' && early.waitUs === 2_000_000);
  t.equal((await store.usage('p')).minute, 0, 'nothing is charged');
  await time.advance(2000);
  const probe = message();
  t.ok((await gate.attempt(probe, true)).ok);
  const second = await gate.attempt(message(), true);
  t.ok(!second.ok && second.cause.kind === 'in_flight' && second.waitUs === Infinity);
  await store.settle('p', probe.id);
  t.ok((await gate.attempt(message(), true)).ok);
});

t.test('of two providers in trouble the later probe counts', async (t) => {
  const { gate, troubles, time } = await open(t);
  const sinceMs = time.nowMs();
  const trouble = { sinceMs, failures: 1, reply: '421' };
  troubles.set('p', { ...trouble, nextProbeMs: sinceMs + 1000 });
  troubles.set('q', { ...trouble, nextProbeMs: sinceMs + 5000 });
  const shares = [{ provider: 'q', recipients: 1 }, share];
  const refused = await gate.attempt(message(false, shares), true);
  t.ok(!refused.ok && refused.cause.provider === 'q' && refused.waitUs === 5_000_000);
});

t.test('an operator’s pass goes before trouble', async (t) => {
  const { gate, troubles, time, set } = await open(t);
  const nowMs = time.nowMs();
  troubles.set('p', { sinceMs: nowMs, failures: 9, nextProbeMs: nowMs + 9e6, reply: '421' });
  await set('p', { pass: {} });
  t.ok((await gate.attempt(message(), true)).ok);
});

t.test('observed mail asks for no place and for no probe', async (t) => {
  const { gate, troubles, time } = await open(t);
  const nowMs = time.nowMs();
  troubles.set('p', { sinceMs: nowMs, failures: 1, nextProbeMs: nowMs + 9e6, reply: '421' });
  t.ok((await gate.attempt(message(true), true)).ok);
  t.equal(gate.demands(share, undefined, true)[0]?.limits.inFlight, undefined);
  t.equal(gate.demands(share, undefined, false)[0]?.limits.inFlight, 1);
});

t.test('without a log nothing would free a place: none is asked for', async (t) => {
  const { gate, seen, troubles, time } = await open(t);
  seen.outcomes = false;
  t.equal(gate.demands(share, undefined, false)[0]?.limits.inFlight, undefined);
  const nowMs = time.nowMs();
  troubles.set('p', { sinceMs: nowMs, failures: 1, nextProbeMs: nowMs, reply: '421' });
  t.equal(gate.demands(share, undefined, false)[0]?.limits.inFlight, undefined);
  seen.outcomes = true;
  troubles.clear();
  t.equal(gate.demands(share, undefined, false)[0]?.limits.inFlight, 5);
});

t.test('more recipients than a quota takes: admitted alone, and told', async (t) => {
  const { gate } = await open(t);
  const answer = await gate.attempt(message(false, [{ provider: 'p', recipients: 301 }]), true);
  t.ok(answer.ok);
  t.same(answer.ok && answer.exceeded, [
    { provider: 'p', text: 'more recipients than its quota of 300' },
  ]);
});

t.test('too many connections: fewer places, and never more than configured', async (t) => {
  const { gate, seen, set } = await open(t);
  const configured = CONFIGURED.inFlight ?? Infinity;
  t.equal(gate.limits('p').inFlight, CONFIGURED.inFlight);
  seen.places = configured + 1;
  t.equal(gate.limits('p').inFlight, CONFIGURED.inFlight);
  seen.places = 1;
  t.same(gate.limits('p'), { ...CONFIGURED, inFlight: 1 });
  const first = message();
  t.ok((await gate.attempt(first, false)).ok);
  t.match(await gate.attempt(message(), false), { ok: false, cause: { kind: 'in_flight' } });
  await set('p', { override: { inFlight: 4, pinned: true } });
  t.equal(gate.limits('p').inFlight, 4, 'a pinned override is not touched');
});
