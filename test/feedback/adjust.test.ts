import * as fc from 'fast-check';
import t from 'tap';
import { adjust } from '../../src/feedback/adjust.ts';
import type { OutcomeEvent } from '../../src/feedback/outcome-event.ts';
import { factorAt } from '../../src/feedback/climb.ts';
import { isConfident } from '../../src/feedback/confidence.ts';
import { mayLeave } from '../../src/feedback/probe.ts';
import { CONTROL_DEFAULTS } from '../../src/feedback/control-settings.ts';
import { UNTROUBLED, type Standing } from '../../src/limit/standing.ts';

const settings = { ...CONTROL_DEFAULTS, ceilingPerMin: 20 };
const SEC = 1000;
const MIN = 60 * SEC;
const HOUR = 60 * MIN;
const DAY = 24 * HOUR;
const NOW = 1_000_000_000;

function after(standing: Standing, nowMs: number, ...events: readonly OutcomeEvent[]): Standing {
  return events.reduce((old, event) => adjust(old, event, settings, nowMs).standing, standing);
}

const slow = (id: string, leftMs: number, sentPerMin = 12): OutcomeEvent => ({
  kind: 'slow',
  id,
  leftMs,
  sentPerMin,
});
const blockedAt = (id: string, leftMs: number, depth?: number): OutcomeEvent => ({
  kind: 'blocked',
  id,
  leftMs,
  sentPerMin: 12,
  depth,
});
const taken = (id: string, leftMs: number, depth?: number): OutcomeEvent => ({
  kind: 'taken',
  id,
  leftMs,
  recipients: 1,
  ...(depth !== undefined && { depth }),
});

t.test('the first throttle halves what was really sent', async (t) => {
  const { standing, done } = adjust(UNTROUBLED, slow('a', NOW - SEC), settings, NOW);
  t.equal(done, 'tightened');
  t.equal(factorAt(standing, settings, NOW), 6 / 20);
  t.same(standing.wall, { perMin: 12, atMs: NOW });
});

t.test('several in flight, and two daemons that see one each, make one halving', async (t) => {
  const first = after(UNTROUBLED, NOW, slow('a', NOW - SEC));
  const both = adjust(first, slow('b', NOW - 900), settings, NOW + 500);
  t.equal(both.done, undefined);
  t.equal(both.standing, first);
});

t.test('mail that left after it tightens again, each message once an episode', async (t) => {
  const first = after(UNTROUBLED, NOW, slow('a', NOW - SEC));
  const second = after(first, NOW + MIN, slow('b', NOW + 30 * SEC, 6));
  t.ok(second.factor < first.factor);
  t.equal(after(second, NOW + 2 * MIN, slow('a', NOW + 90 * SEC)), second, 'the same message');
  const later = NOW + 2 * HOUR;
  t.ok(after(second, later, slow('a', later - SEC)).sinceMs === later, 'another episode');
});

t.test('what left long ago is history', async (t) => {
  t.equal(after(UNTROUBLED, NOW, slow('a', NOW - 2 * HOUR)), UNTROUBLED);
  t.equal(after(UNTROUBLED, NOW, blockedAt('a', NOW - 2 * HOUR)), UNTROUBLED);
});

t.test(
  'at 200 mails a day a quota that is used up is the limit: slowed for a day, not a week',
  (t) => {
    // 10/min and 800/day, slowed at one a minute: 8 % of that are 68 a day.
    const daily = { ...CONTROL_DEFAULTS, ceilingPerMin: 10, steadyPerMin: 800 / 1440 };
    let standing = adjust(UNTROUBLED, slow('a', NOW, 1), daily, NOW + SEC).standing;
    let waiting = 0;
    let sent: readonly number[] = [];
    for (let nowMs = NOW; nowMs < NOW + 2 * DAY; nowMs += MIN) {
      waiting += 200 / 1440;
      sent = sent.filter((atMs) => atMs > nowMs - DAY);
      if (waiting < 1 || sent.length >= Math.floor(800 * factorAt(standing, daily, nowMs)))
        continue;
      waiting -= 1;
      sent = [...sent, nowMs];
      standing = adjust(standing, taken(String(nowMs), nowMs), daily, nowMs + SEC).standing;
    }
    t.ok(waiting < 1, `${waiting} are waiting`);
    t.equal(factorAt(standing, daily, NOW + 2 * DAY), 1, 'back at the ceiling');
    t.end();
  },
);

t.test('the climb: fast to the knee, then only for what was delivered', async (t) => {
  const cut = after(UNTROUBLED, NOW, slow('a', NOW - SEC));
  const knee = (0.85 * 12) / 20;
  t.equal(factorAt(cut, settings, NOW + 11 * MIN), knee);
  t.equal(factorAt(cut, settings, NOW + 2 * DAY), knee, 'quiet time proves nothing');
  const used = Array.from({ length: 12 * 60 * 18 }, (_, i) => taken(`t${i}`, NOW + 18 * HOUR));
  const climbed = after(cut, NOW + 19 * HOUR, ...used);
  t.ok(factorAt(climbed, settings, NOW + 19 * HOUR) >= 12 / 20, 'at the wall');
  t.ok(climbed.worthMs <= 19 * HOUR, 'no more than the time that passed');
  t.equal(factorAt(cut, settings, NOW + 8 * DAY), 1, 'the wall is forgotten after a week');
});

t.test('nothing that says the mail was taken, or nothing at all, ever tightens', async (t) => {
  const event = fc.oneof(
    fc.record({ id: fc.string(), leftMs: fc.nat(NOW) }).map((one) => ({
      ...one,
      kind: 'taken' as const,
      recipients: 1,
    })),
    fc.record({ id: fc.string(), leftMs: fc.nat(NOW), kind: fc.constant('unclear' as const) }),
    fc.record({ id: fc.string(), leftMs: fc.nat(NOW), kind: fc.constant('probe' as const) }),
  );
  fc.assert(
    fc.property(fc.array(event), (events) => {
      const before = after(UNTROUBLED, NOW, slow('a', NOW - SEC));
      const later = after(before, NOW + MIN, ...events);
      return factorAt(later, settings, NOW + MIN) >= factorAt(before, settings, NOW + MIN);
    }),
  );
  t.pass('no counterexample');
});

t.test('whatever comes: 0 < floor <= factor <= 1, and time alone frees everything', async (t) => {
  const outcome = { id: fc.stringMatching(/^[a-e]$/), agoMs: fc.nat(2 * HOUR) };
  const event = fc.oneof(
    fc.record({ ...outcome, kind: fc.constantFrom('slow', 'blocked') }),
    fc.record({ ...outcome, kind: fc.constantFrom('taken', 'unclear', 'probe', 'judged') }),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(event, fc.nat(HOUR))), (steps) => {
      let nowMs = NOW;
      let standing = UNTROUBLED;
      for (const [{ id, agoMs, kind }, waitMs] of steps) {
        nowMs += waitMs;
        const rest = { sentPerMin: agoMs % 40, recipients: 1, deliveredDay: 0, deliveredSince: 0 };
        const one = { ...rest, id, leftMs: nowMs - agoMs, kind } as OutcomeEvent;
        standing = adjust(standing, one, settings, nowMs).standing;
        const factor = factorAt(standing, settings, nowMs);
        if (!(factor > 0 && factor <= 1 && factor >= settings.floorPerMin / 20)) return false;
      }
      const farMs = nowMs + 40 * DAY;
      return factorAt(standing, settings, farMs) === 1 && mayLeave(standing.stop, farMs) > 0;
    }),
  );
  t.pass('no counterexample');
});

t.test('blocked: suspended, probed by one, two and four, open', async (t) => {
  let { standing, done } = adjust(UNTROUBLED, blockedAt('a', NOW - SEC), settings, NOW);
  t.equal(done, 'suspended');
  t.equal(mayLeave(standing.stop, NOW + HOUR - 1), 0);
  t.equal(after(standing, NOW + SEC, blockedAt('b', NOW - SEC)), standing, 'in flight meanwhile');
  let nowMs = NOW + HOUR;
  const told: (string | undefined)[] = [];
  for (const size of [1, 2, 4]) {
    t.equal(mayLeave(standing.stop, nowMs), size);
    const ids = Array.from({ length: size }, (_, i) => `${size}-${i}`);
    for (const id of ids) standing = after(standing, nowMs, { kind: 'probe', id, leftMs: nowMs });
    t.equal(mayLeave(standing.stop, nowMs), 0, 'no more until there is an outcome');
    for (const id of ids) {
      nowMs += SEC;
      ({ standing, done } = adjust(standing, taken(id, nowMs - SEC), settings, nowMs));
      told.push(done);
    }
  }
  t.same(
    told.filter((one) => one !== undefined),
    ['step', 'step', 'opened'],
  );
  t.equal(mayLeave(standing.stop, nowMs), Infinity);
});

t.test('a probe that is blocked: twice as long, to a day at most', async (t) => {
  let standing = after(UNTROUBLED, NOW, blockedAt('a', NOW - SEC));
  let nowMs = NOW;
  const hours: number[] = [];
  for (let i = 0; i < 7; i += 1) {
    const stop = standing.stop;
    if (stop?.phase !== 'suspended') break;
    hours.push((stop.untilMs - nowMs) / HOUR);
    nowMs = stop.untilMs;
    standing = after(standing, nowMs, { kind: 'probe', id: `p${i}`, leftMs: nowMs });
    standing = after(standing, nowMs, blockedAt(`p${i}`, nowMs));
  }
  t.same(hours, [1, 2, 4, 8, 16, 24, 24]);
});

t.test('probes without an outcome: three, then a step by time, and it is known', async (t) => {
  let standing = after(UNTROUBLED, NOW, blockedAt('a', NOW - SEC));
  let nowMs = NOW + HOUR;
  for (let i = 0; i < 3; i += 1) {
    t.equal(mayLeave(standing.stop, nowMs), 1, `probe ${i}`);
    standing = after(standing, nowMs, { kind: 'probe', id: `p${i}`, leftMs: nowMs });
    nowMs += 15 * MIN;
  }
  t.equal(mayLeave(standing.stop, nowMs), 2);
  standing = after(standing, nowMs, { kind: 'probe', id: 'next', leftMs: nowMs });
  t.match(standing.stop, { phase: 'probing', step: 1, blind: true });
});

t.test('opened by time alone: a block that lasts stops it again, for longer', async (t) => {
  let standing = after(UNTROUBLED, NOW, blockedAt('a', NOW - SEC));
  let nowMs = NOW + HOUR;
  for (let i = 0; mayLeave(standing.stop, nowMs) !== Infinity; i += 1) {
    while (mayLeave(standing.stop, nowMs) > 0) {
      const id = `p${i}-${mayLeave(standing.stop, nowMs)}`;
      standing = after(standing, nowMs, { kind: 'probe', id, leftMs: nowMs });
    }
    nowMs += 15 * MIN;
  }
  const early = blockedAt('early', NOW - SEC / 2);
  t.equal(adjust(standing, early, settings, nowMs).done, undefined, 'left before the first');
  const { standing: again, done } = adjust(standing, blockedAt('b', nowMs), settings, nowMs + SEC);
  t.equal(done, 'suspended longer');
  t.match(again.stop, { phase: 'suspended', times: 2, untilMs: nowMs + SEC + 2 * HOUR });
});

t.test('blocked while the first warning was on its way: suspended at once', async (t) => {
  const warned = after(UNTROUBLED, NOW, slow('a', NOW - SEC));
  const { standing, done } = adjust(warned, blockedAt('b', NOW - 900), settings, NOW + SEC);
  t.equal(done, 'suspended');
  t.equal(standing.factor, warned.factor, 'and slowed once');
  const opened = { ...standing, stop: undefined, sinceMs: NOW + HOUR };
  t.equal(adjust(opened, blockedAt('c', NOW), settings, NOW + HOUR + 1).done, undefined);
});

t.test('a judgement counts when it is no accident', async (t) => {
  const judged = (id: string, deliveredDay: number, leftMs = NOW - SEC): OutcomeEvent => ({
    ...blockedAt(id, leftMs),
    kind: 'judged',
    deliveredDay,
    deliveredSince: deliveredDay,
    sentPerMin: 12,
  });
  t.equal(after(UNTROUBLED, NOW, judged('a', 200)).factor, 1, 'one of 200');
  const same = after(UNTROUBLED, NOW, judged('a', 20), judged('a', 20));
  t.equal(same.factor, 1, 'one message twice is one');
  t.ok(after(UNTROUBLED, NOW, judged('a', 20), judged('b', 20)).factor < 1, 'two of 20');
  t.equal(after(UNTROUBLED, NOW, judged('a', 5000), judged('b', 5000)).factor, 1, 'two of 5,000');
  t.ok(after(UNTROUBLED, NOW, judged('a', 0)).factor < 1, 'one, and nothing was ever taken');
  t.equal(isConfident(0, 0, 0.005), false);
  t.ok(isConfident(2, 20, 0.005) && !isConfident(2, 1000, 0.005));
});

t.test('what another host had taken since the first judgement is not nothing', async (t) => {
  const judged = (id: string): OutcomeEvent => ({
    ...blockedAt(id, NOW - SEC),
    kind: 'judged',
    sentPerMin: 12,
    deliveredDay: 5000,
    deliveredSince: 0,
  });
  const one = after(UNTROUBLED, NOW, judged('a'));
  t.ok(after(one, NOW + MIN, judged('b')).factor < 1, 'nothing was taken');
  const before = after(one, NOW + SEC, taken('x', NOW - SEC));
  t.equal(before, one, 'what had left before says nothing');
  const since = after(one, NOW + 2 * SEC, taken('y', NOW + SEC));
  t.equal(after(since, NOW + 3 * SEC, taken('z', NOW + SEC)), since, 'told once');
  const two = after(since, NOW + MIN, judged('b'));
  t.equal(two.factor, 1, 'two of 5,000');
  t.ok(after(two, NOW + 2 * MIN, judged('c')).factor < 1, 'and nothing since then');
});

t.test('of many mails a share is counted too', async (t) => {
  let standing = UNTROUBLED;
  for (let i = 0; i < 150; i += 1) {
    const more = { deliveredDay: 10_000, deliveredSince: 66, sentPerMin: 12 };
    standing = after(standing, NOW, { kind: 'judged', id: `j${i}`, leftMs: NOW - SEC, ...more });
  }
  t.ok(standing.factor < 1, '150 of 10,000');
});

/** Blocked at RCPT, an hour later one probe is out. */
function probing(depth?: number): { readonly standing: Standing; readonly nowMs: number } {
  const nowMs = NOW + HOUR;
  const stopped = after(UNTROUBLED, NOW, blockedAt('a', NOW - SEC, depth));
  return { standing: after(stopped, nowMs, { kind: 'probe', id: 'p', leftMs: nowMs }), nowMs };
}

t.test('a recipient who is unknown is a step where the block lay before that', async (t) => {
  const RCPT = 3;
  for (const [depth, step] of [
    [RCPT - 1, 1],
    [RCPT, 0],
    [RCPT + 2, 0],
    [undefined, 0],
  ] as const) {
    const { standing, nowMs } = probing(depth);
    const unknown = taken('p', nowMs, RCPT);
    t.match(after(standing, nowMs + SEC, unknown).stop, { step, out: [] }, `blocked at ${depth}`);
    t.match(after(standing, nowMs + SEC, taken('p', nowMs)).stop, { step: 1 }, 'delivered');
  }
});

t.test('a probe that is judged where others were blocked is blocked', async (t) => {
  const counts = { sentPerMin: 1, deliveredDay: 100, deliveredSince: 1 };
  const judged = (depth: number, reportedMs?: number): OutcomeEvent => ({
    kind: 'judged',
    id: 'p',
    leftMs: NOW + HOUR,
    depth,
    ...counts,
    ...(reportedMs !== undefined && { reportedMs }),
  });
  const { standing, nowMs } = probing(3);
  const longer = adjust(standing, judged(3), settings, nowMs + SEC);
  t.equal(longer.done, 'suspended longer');
  t.match(longer.standing.stop, { phase: 'suspended', times: 2 });
  const beyond = adjust(standing, judged(5), settings, nowMs + SEC);
  t.match(beyond.standing.stop, { phase: 'probing', step: 0, unclear: 1 }, 'it came further');
  const reported = judged(3, nowMs);
  t.match(adjust(standing, reported, settings, nowMs + SEC).standing.stop, { phase: 'probing' });
});

t.test('what the queue manager kept back is no outcome', async (t) => {
  let { standing, nowMs } = probing();
  for (let i = 0; i < 20; i += 1) {
    standing = after(standing, nowMs, { kind: 'kept', id: i === 0 ? 'p' : `k${i}`, leftMs: nowMs });
    t.equal(mayLeave(standing.stop, nowMs), 1, 'another may leave');
    nowMs += SEC;
    standing = after(standing, nowMs, { kind: 'probe', id: `k${i + 1}`, leftMs: nowMs });
  }
  t.match(standing.stop, { phase: 'probing', step: 0, unclear: 0 });
});

t.test('what probes delivered is no credit for the climb after they opened', async (t) => {
  let { standing, nowMs } = probing();
  for (const id of ['p', 'q', 'r', 's', 't', 'u', 'v']) {
    standing = after(standing, nowMs, { kind: 'probe', id, leftMs: nowMs });
    nowMs += MIN;
    standing = after(standing, nowMs, taken(id, nowMs - MIN));
  }
  t.equal(standing.stop, undefined);
  t.equal(standing.sinceMs, nowMs);
  t.equal(standing.worthMs, 0);
});

t.test('after a reset judgements tighten first, and stop nothing at once', async (t) => {
  const reset = { ...UNTROUBLED, epoch: 9, sinceMs: NOW };
  const counts = { sentPerMin: 12, deliveredDay: 150, deliveredSince: 50 };
  const judged = (id: string): OutcomeEvent => ({
    kind: 'judged',
    id,
    leftMs: NOW + SEC,
    ...counts,
  });
  const two = after(reset, NOW + MIN, judged('a'), judged('b'));
  t.equal(two.factor, 1, 'two are not enough');
  t.equal(adjust(two, judged('c'), settings, NOW + MIN).done, 'tightened');
});

t.test(
  'a block that lasts longer than the wall is remembered does not end at the ceiling',
  async (t) => {
    let standing = after(UNTROUBLED, NOW, blockedAt('a', NOW - SEC));
    let nowMs = NOW;
    const probe = (id: string, outcome: OutcomeEvent): void => {
      standing = after(standing, nowMs, { kind: 'probe', id, leftMs: nowMs });
      standing = after(standing, nowMs, outcome);
    };
    for (let day = 0; day < 10; day += 1) {
      nowMs += DAY;
      probe(`b${day}`, blockedAt(`b${day}`, nowMs));
    }
    nowMs += DAY;
    for (const id of ['p', 'q', 'r', 's', 't', 'u', 'v']) probe(id, taken(id, nowMs));
    t.equal(standing.stop, undefined, 'open');
    t.equal(factorAt(standing, settings, nowMs + MIN), 6.42 / 20, 'and climbs from where it was');
  },
);
