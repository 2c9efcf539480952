/**
 * What every adapter of the store port must do. Uses nothing but the port and a way to let the
 * store's own clock go on, so it runs against a clock set by hand and against a real one alike.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import type { Limits, SenderLimits } from '../../src/limit/limits.ts';
import { UNTROUBLED, type Standing, type Stop } from '../../src/limit/standing.ts';
import { MOST_SENDERS } from '../../src/store/account-name.ts';
import type { Adjustment, Change, Store, TakeRequest, TakeResult } from '../../src/store/store.ts';
import { brokenPromises } from './windows.ts';
import type { Admitted } from './windows.ts';

export interface Subject {
  /** Empty at first; the suite closes it. */
  readonly store: Store;
  /** Resolves when the store's clock shows atUs, or at most slackUs more. */
  readonly reach: (atUs: number) => Promise<void>;
  /** 0 for a clock that stands still between calls. */
  readonly slackUs: number;
}

/** A store whose clock goes on by itself. */
export function onRealClock(store: Store): Subject {
  const reach = async (atUs: number): Promise<void> => {
    for (;;) {
      const leftUs = atUs - (await store.now());
      if (leftUs <= 0) return;
      await sleep(Math.ceil(leftUs / 1000));
    }
  };
  return { store, reach, slackUs: 50_000 };
}

const HOUR = 3600e6;
const PACE: Limits = { pace: { count: 20, windowUs: HOUR, burst: 2 }, quotas: [] };
const FREE: Limits = { quotas: [] };

let ids = 0;

function request(
  provider: string,
  limits: Limits,
  { recipients = 1, lane = 1, queued = true, id = `host/${(ids += 1)}` } = {},
): TakeRequest {
  return { id, lane, queued, demands: [{ provider, recipients, limits }] };
}

/** One message under the provider's limits and under its sender's own. */
function ofSender(
  provider: string,
  limits: Limits,
  sender: string,
  own: SenderLimits,
  more: { readonly recipients?: number; readonly queued?: boolean } = {},
): TakeRequest {
  const { recipients = 1 } = more;
  const asked = request(provider, limits, more);
  return { ...asked, demands: [...asked.demands, { provider, sender, recipients, limits: own }] };
}

function adjustment(provider: string, atUs: number, to: string): Adjustment {
  return { atUs, provider, kind: 'override', from: '20/min burst 2', to, why: 'tried', by: 'root' };
}

function wait(result: TakeResult): Extract<TakeResult, { ok: false }> {
  if (result.ok) throw new Error('admitted, where a refusal was due');
  return result;
}

/** Runs the suite; each case gets a new store. */
export async function conforms(t: Test, makeStore: () => Promise<Subject>): Promise<void> {
  const on = (name: string, body: (t: Test, subject: Subject) => Promise<void>): Promise<unknown> =>
    t.test(name, async (t) => {
      const subject = await makeStore();
      try {
        await body(t, subject);
      } finally {
        await subject.store.close();
      }
    });

  await on('time is whole microseconds and never steps back', async (t, { store }) => {
    let before = 0;
    for (let i = 0; i < 100; i += 1) {
      const nowUs = await store.now();
      t.ok(Number.isSafeInteger(nowUs) && nowUs >= before && nowUs > 1e15);
      before = nowUs;
    }
  });

  for (const burst of [20, 2]) {
    await on(`200 at once at 20/h burst ${burst}: exactly ${burst}`, async (t, { store }) => {
      const limits = { pace: { count: 20, windowUs: HOUR, burst }, quotas: [] };
      const all = await Promise.all(
        Array.from({ length: 200 }, () => store.take(request('p', limits))),
      );
      t.equal(all.filter(({ ok }) => ok).length, burst);
      const refused = wait(all.find(({ ok }) => !ok)!);
      t.match(refused.cause, { kind: 'pace', provider: 'p' });
      t.ok(Math.abs(refused.retryAtUs - refused.nowUs - HOUR / 20) < 5e6, 'then one an interval');
      t.match(refused.debts, [{ provider: 'p', inFlight: 0 }]);
      t.equal((await store.usage('p')).hour, burst, 'refusals are not counted');
    });
  }

  await on('all or nothing over every limit of every provider', async (t, { store }) => {
    const full: Limits = { quotas: [{ count: 1, windowUs: HOUR }] };
    t.ok((await store.take(request('full', full))).ok);
    const both = {
      ...request('open', PACE),
      demands: [
        { provider: 'open', recipients: 1, limits: PACE },
        { provider: 'full', recipients: 1, limits: full },
      ],
    };
    for (let i = 0; i < 5; i += 1) {
      const refused = wait(await store.take(both));
      t.match(refused.cause, { kind: 'quota', provider: 'full', windowUs: HOUR });
      t.same(
        refused.debts.map(({ provider }) => provider),
        ['open', 'full'],
      );
    }
    t.equal((await store.usage('open')).hour, 0);
    t.ok((await store.take(request('open', PACE))).ok);
    t.ok((await store.take(request('open', PACE))).ok, 'its burst is whole');
  });

  await on(
    'the cause is the limit that is free last, and the time is right',
    async (t, { store, reach, slackUs }) => {
      const limits: Limits = {
        pace: { count: 10, windowUs: 1e6, burst: 1 },
        quotas: [{ count: 2, windowUs: 600e3 }],
      };
      t.ok((await store.take(request('p', limits))).ok);
      const first = wait(await store.take(request('p', limits)));
      t.match(first.cause, { kind: 'pace', provider: 'p' });
      if (slackUs === 0) {
        await reach(first.retryAtUs - 1);
        t.notOk((await store.take(request('p', limits))).ok, 'not a microsecond early');
      }
      await reach(first.retryAtUs);
      t.ok((await store.take(request('p', limits))).ok);
      const second = wait(await store.take(request('p', limits)));
      t.match(second.cause, { kind: 'quota', provider: 'p', windowUs: 600e3 });
      await reach(second.retryAtUs);
      t.ok((await store.take(request('p', limits))).ok);
    },
  );

  await on('k recipients need min(k, burst); all k are paid for', async (t, { store, slackUs }) => {
    const limits: Limits = { pace: { count: 3600, windowUs: HOUR, burst: 3 }, quotas: [] };
    const near = (result: TakeResult, sec: number): void => {
      const { retryAtUs, nowUs } = wait(result);
      const off = sec * 1e6 - (retryAtUs - nowUs);
      t.ok(off >= 0 && off <= slackUs + (slackUs === 0 ? 0 : 1e6), `${sec} s, ${off} µs less`);
    };
    t.ok((await store.take(request('p', limits, { recipients: 60 }))).ok, 'a whole burst was free');
    near(await store.take(request('p', limits)), 58);
    near(await store.take(request('p', limits, { recipients: 2 })), 59);
    near(await store.take(request('p', limits, { recipients: 5 })), 60);
  });

  await on('a quota: none above it, a message above it alone', async (t, { store, reach }) => {
    const quota = { count: 3, windowUs: 600e3 };
    const limits: Limits = { quotas: [quota] };
    t.ok((await store.take(request('p', limits, { recipients: 2 }))).ok);
    const refused = wait(await store.take(request('p', limits, { recipients: 2 })));
    t.match(refused.cause, { kind: 'quota', windowUs: 600e3 });
    const fits = await store.take(request('p', limits));
    t.match(fits, { ok: true, exceeded: [] });
    const large = wait(await store.take(request('p', limits, { recipients: 7 })));
    await reach(large.retryAtUs);
    const alone = await store.take(request('p', limits, { recipients: 7 }));
    t.match(alone, { ok: true, exceeded: [{ provider: 'p', quota }] });
    const after = wait(await store.take(request('p', limits)));
    t.ok(after.retryAtUs >= alone.nowUs + quota.windowUs);
    t.ok(after.retryAtUs <= alone.nowUs + quota.windowUs * (1 + 1 / 60) + 1);
  });

  await on('changed numbers act on the same state at once', async (t, { store }) => {
    const hour = (count: number, burst: number): Limits => ({
      pace: { count, windowUs: HOUR, burst },
      quotas: [],
    });
    t.ok((await store.take(request('p', hour(1, 1)))).ok);
    const raised = wait(await store.take(request('p', hour(1200, 1))));
    t.ok(raised.retryAtUs - raised.nowUs <= 3e6 + 1, 'an hour of debt is one recipient of it');
    const lowered = wait(await store.take(request('p', hour(1, 1))));
    t.ok(lowered.retryAtUs - lowered.nowUs > HOUR / 2, 'no fresh bucket');
    const day = (count: number): Limits => ({ quotas: [{ count, windowUs: 24 * HOUR }] });
    t.ok((await store.take(request('q', day(1)))).ok);
    t.notOk((await store.take(request('q', day(1)))).ok);
    t.ok((await store.take(request('q', day(2)))).ok);
    t.notOk((await store.take(request('q', day(1)))).ok);
    t.notOk(
      (await store.take(request('q', { quotas: [{ count: 2, windowUs: HOUR }] }))).ok,
      'a new window knows the past',
    );
  });

  await on('in_flight: a cap on messages, freed by their outcome', async (t, { store }) => {
    const limits: Limits = { quotas: [], inFlight: 2 };
    const told: string[] = [];
    const kinds = new Set<Change>();
    const undo = store.onChange((provider, what) => {
      told.push(provider);
      kinds.add(what);
    });
    t.ok((await store.take(request('p', limits, { id: 'h/A', recipients: 9 }))).ok);
    t.ok((await store.take(request('p', limits, { id: 'h/B' }))).ok);
    const refused = wait(await store.take(request('p', limits, { id: 'h/C' })));
    t.match(refused.cause, { kind: 'in_flight', provider: 'p' });
    t.equal(refused.retryAtUs, Infinity);
    t.same((await store.inFlight('p')).map(({ id }) => id).toSorted(), ['h/A', 'h/B']);
    t.ok((await store.inFlight('p')).every(({ sinceUs }) => sinceUs > 1e15));
    t.ok((await store.take(request('p', limits, { id: 'h/B' }))).ok, 'its own place');
    t.equal((await store.usage('p')).inFlight, 2);
    t.equal((await store.usage('p')).minute, 11, 'but a new charge');
    await store.settle('p', 'h/A');
    await store.settle('p', 'h/A');
    await store.settle('nobody', 'h/A');
    t.same(told, ['p'], 'told once');
    t.same([...kinds], ['place'], 'and that nothing else changed');
    t.ok((await store.take(request('p', limits, { id: 'h/C' }))).ok);
    undo();
    await store.settle('p', 'h/C');
    t.same(told, ['p'], 'and no more');
  });

  await on(
    'suspended refuses, pass admits uncharged but counted, both until their time',
    async (t, { store, reach }) => {
      const untilUs = (await store.now()) + 500e3;
      await store.setControl('s', { suspended: {} }, adjustment('s', 1, 'suspended'));
      const refused = wait(await store.take(request('s', FREE)));
      t.match(refused.cause, { kind: 'suspended', provider: 's' });
      t.equal(refused.retryAtUs, Infinity);
      await store.setControl('s', { suspended: { untilUs } }, adjustment('s', 2, 'suspended'));
      t.equal(wait(await store.take(request('s', FREE))).retryAtUs, untilUs);
      t.equal(await store.forecast({ provider: 's', recipients: 1, limits: FREE }, 5), untilUs);

      await store.setControl('p', { pass: { untilUs } }, adjustment('p', 3, 'pass'));
      const tight: Limits = { ...PACE, quotas: [{ count: 2, windowUs: HOUR }], inFlight: 1 };
      await store.announce('p', [9, 9, 9]);
      for (let i = 0; i < 30; i += 1) {
        const queued = i % 2 === 0;
        t.match(await store.take(request('p', tight, { queued })), { ok: true, exceeded: [] });
      }
      t.equal((await store.usage('p')).hour, 30);
      await store.announce('p', [0, 0, 0]);
      for (const { id } of await store.inFlight('p')) await store.settle('p', id);

      await reach(untilUs + 1);
      t.ok((await store.take(request('s', FREE))).ok);
      t.same([...(await store.controls()).keys()], [], 'expired controls are left out');
      const wide: Limits = { ...tight, inFlight: 9 };
      t.ok((await store.take(request('p', wide))).ok, 'nothing of it is owed');
      t.ok((await store.take(request('p', wide))).ok);
      t.notOk((await store.take(request('p', wide))).ok);
    },
  );

  await on(
    'fresh mail does not overtake what waits in its lane or a better one',
    async (t, { store }) => {
      await store.announce('p', [0, 1, 0]);
      const fresh = (lane: number): Promise<TakeResult> =>
        store.take(request('p', FREE, { lane, queued: false }));
      t.ok((await fresh(0)).ok, 'a better lane goes first');
      const refused = wait(await fresh(1));
      t.match(refused.cause, { kind: 'waiting', provider: 'p' });
      t.equal(refused.retryAtUs, Infinity);
      t.notOk((await fresh(2)).ok);
      t.ok((await store.take(request('p', FREE, { lane: 1 }))).ok, 'what waits itself may go');
      t.ok((await store.take(request('other', FREE, { lane: 1, queued: false }))).ok);
      await store.announce('p', [0, 0, 0]);
      t.ok((await fresh(2)).ok);
    },
  );

  await on(
    'a sender has limits of its own inside the provider’s, all or nothing with them',
    async (t, { store }) => {
      const own: SenderLimits = { ...PACE, quotas: [{ count: 3, windowUs: HOUR }] };
      const take = (sender: string, limits: Limits = FREE): Promise<TakeResult> =>
        store.take(ofSender('p', limits, sender, own));
      t.ok((await take('a')).ok);
      t.ok((await take('a')).ok);
      const refused = wait(await take('a'));
      t.same(refused.cause, { kind: 'pace', provider: 'p', sender: 'a' });
      t.ok(Math.abs(refused.retryAtUs - refused.nowUs - HOUR / 20) < 5e6);
      t.match(refused.debts, [{ provider: 'p' }, { provider: 'p', sender: 'a', inFlight: 0 }]);
      t.equal(refused.debts[0]?.sender, undefined);
      t.equal((await store.usage('p')).hour, 2, 'a refusal by the sender’s charges no provider');
      t.ok((await take('b')).ok, 'another sender has its own');
      t.ok((await store.take(ofSender('q', FREE, 'a', own))).ok, 'and so it has elsewhere');
      const full: Limits = { quotas: [{ count: 3, windowUs: HOUR }] };
      t.match(wait(await take('b', full)).cause, { kind: 'quota', provider: 'p' });
      t.ok((await take('b')).ok, 'a refusal by the provider’s charges no sender');
      const quota = wait(
        await store
          .take(ofSender('p', FREE, 'c', { quotas: own.quotas }, { recipients: 2 }))
          .then(() =>
            store.take(ofSender('p', FREE, 'c', { quotas: own.quotas }, { recipients: 2 })),
          ),
      );
      t.same(quota.cause, { kind: 'quota', provider: 'p', sender: 'c', windowUs: HOUR });
      const large = await store.take(
        ofSender('p', FREE, 'd', { quotas: own.quotas }, { recipients: 9 }),
      );
      t.match(large, { ok: true, exceeded: [{ provider: 'p', sender: 'd' }] });
      t.same([...(await store.providers())].toSorted(), ['p', 'q'], 'senders are no providers');
    },
  );

  await on('a sender’s promise: every window of each, and of all together', async (t, subject) => {
    const { store, reach } = subject;
    const limits: Limits = { pace: { count: 40, windowUs: 100e3, burst: 4 }, quotas: [] };
    const own: SenderLimits = {
      pace: { count: 10, windowUs: 100e3, burst: 2 },
      quotas: [{ count: 25, windowUs: 500e3 }],
    };
    const all: Admitted[] = [];
    const ledgers = new Map<string, Admitted[]>();
    for (let i = 0; i < 250; i += 1) {
      // One runs away, the others send now and then.
      const sender = i % 3 > 0 ? 'runaway' : `s${i % 5}`;
      const result = await store.take(ofSender('p', limits, sender, own));
      if (result.ok) {
        const admitted = { atUs: result.nowUs, recipients: 1 };
        all.push(admitted);
        ledgers.set(sender, [...(ledgers.get(sender) ?? []), admitted]);
      } else await reach(Math.min(result.retryAtUs, result.nowUs + 2000 * (i % 4)));
    }
    t.equal(ledgers.size, 6);
    t.same(brokenPromises(all, limits), []);
    for (const ledger of ledgers.values()) t.same(brokenPromises(ledger, own), []);
  });

  await on('a sender’s mail waits for its own limit behind its own mail alone', async (t, s) => {
    const { store } = s;
    const fresh = (sender: string): Promise<TakeResult> =>
      store.take(ofSender('p', FREE, sender, { quotas: [] }, { queued: false }));
    await store.announce('p', [0, 2, 0], 'a');
    t.same(wait(await fresh('a')).cause, { kind: 'waiting', provider: 'p', sender: 'a' });
    t.ok((await fresh('b')).ok);
    t.same(await store.providers(), ['p'], 'known by what was sent alone');
    await store.announce('p', [0, 0, 0], 'a');
    t.ok((await fresh('a')).ok);
  });

  await on('pass and suspension are the provider’s: a sender’s follows', async (t, { store }) => {
    const own: SenderLimits = { quotas: [{ count: 1, windowUs: HOUR }] };
    await store.setControl('p', { pass: {} }, adjustment('p', 1, 'pass'));
    for (let i = 0; i < 3; i += 1) t.ok((await store.take(ofSender('p', FREE, 'a', own))).ok);
    await store.setControl('p', undefined, adjustment('p', 2, 'limits'));
    t.ok((await store.take(ofSender('p', FREE, 'a', own))).ok, 'nothing of it is owed');
    t.notOk((await store.take(ofSender('p', FREE, 'a', own))).ok);
    await store.setControl('p', { suspended: {} }, adjustment('p', 3, 'suspended'));
    const { cause } = wait(await store.take(ofSender('p', FREE, 'b', own)));
    t.same(cause, { kind: 'suspended', provider: 'p' });
  });

  await on('a sender’s forecast, and what is charged to it unasked', async (t, { store }) => {
    const demand = { provider: 'p', sender: 'a', recipients: 1, limits: PACE };
    await store.charge([
      { provider: 'p', recipients: 5, limits: FREE },
      { ...demand, recipients: 5 },
    ]);
    const refused = wait(await store.take(ofSender('p', FREE, 'a', PACE)));
    const expectedUs = await store.forecast(demand, 3);
    t.ok(Math.abs(expectedUs - refused.retryAtUs - 2 * (HOUR / 20)) < 5e6);
    t.ok((await store.forecast({ ...demand, sender: 'b' }, 1)) <= (await store.now()));
  });

  await on('of too many senders the last share one account', async (t, { store }) => {
    const own: SenderLimits = { pace: { count: 1, windowUs: HOUR, burst: 1 }, quotas: [] };
    const take = (sender: string): Promise<TakeResult> =>
      store.take(ofSender('p', FREE, sender, own));
    for (let from = 0; from < MOST_SENDERS; from += 500) {
      await Promise.all(Array.from({ length: 500 }, (_, i) => take(`s${from + i}`)));
    }
    t.ok((await take('one')).ok);
    t.notOk((await take('other')).ok, 'it shares');
    t.notOk((await take('s1')).ok, 'those that were there keep their own');
    t.ok((await store.take(ofSender('q', FREE, 'one', own))).ok, 'at each provider');
  });

  await on('charge is never refused and never forgotten', async (t, { store }) => {
    const demand = { provider: 'p', recipients: 5, limits: PACE };
    await store.charge([demand, { ...demand, provider: 'q' }]);
    await store.charge([demand]);
    const refused = wait(await store.take(request('p', PACE)));
    t.ok(Math.abs(refused.retryAtUs - refused.nowUs - 9 * (HOUR / 20)) < 5e6, 'ten less the burst');
    t.equal((await store.usage('p')).hour, 10);
    t.equal((await store.usage('q')).hour, 5);
    t.equal((await store.usage('p')).inFlight, 0);
  });

  await on('the forecast is when they leave', async (t, { store, reach, slackUs }) => {
    // 20/min burst 3, 300/h, 1500/day, 3,000 times as fast.
    const limits: Limits = {
      pace: { count: 20, windowUs: 20e3, burst: 3 },
      quotas: [
        { count: 300, windowUs: 1200e3 },
        { count: 1500, windowUs: 28_800e3 },
      ],
    };
    const demand = { provider: 'p', recipients: 1, limits };
    t.equal((await store.forecast({ ...demand, limits: FREE }, 99)) <= (await store.now()), true);
    const expectedUs = await store.forecast(demand, 600);
    const ledger: Admitted[] = [];
    while (ledger.length < 600) {
      const result = await store.take(request('p', limits));
      if (result.ok) ledger.push({ atUs: result.nowUs, recipients: 1 });
      else await reach(result.retryAtUs);
    }
    t.same(brokenPromises(ledger, limits), []);
    const offUs = ledger[599]!.atUs - expectedUs;
    t.ok(offUs >= 0 && offUs <= 600 * slackUs, `${offUs} µs off`);
    t.ok(slackUs > 0 || offUs === 0);
    await store.setControl('p', { suspended: {} }, adjustment('p', 1, 'suspended'));
    t.equal(await store.forecast(demand, 1), Infinity);
  });

  await on('every window of a mixed stream keeps every promise', async (t, { store, reach }) => {
    const limits: Limits = {
      pace: { count: 50, windowUs: 100e3, burst: 8 },
      quotas: [
        { count: 90, windowUs: 200e3 },
        { count: 300, windowUs: 1000e3 },
      ],
    };
    const ledger: Admitted[] = [];
    let nowUs = await store.now();
    for (let i = 0; i < 250; i += 1) {
      const recipients = 1 + ((i * 7919) % (i % 25 === 0 ? 40 : 6));
      const result = await store.take(request('p', limits, { recipients }));
      nowUs = result.nowUs;
      if (result.ok) ledger.push({ atUs: nowUs, recipients });
      else await reach(Math.min(result.retryAtUs, nowUs + 5000 * (i % 4)));
    }
    t.ok(ledger.length > 50);
    t.same(brokenPromises(ledger, limits), []);
  });

  await on('what feedback left behind: compared, set, told', async (t, { store }) => {
    const told: string[] = [];
    const kinds = new Set<Change>();
    const undo = store.onChange((provider, what) => {
      told.push(provider);
      kinds.add(what);
    });
    const nowUs = await store.now();
    const first: Standing = {
      ...UNTROUBLED,
      epoch: 1,
      factor: 0.25,
      sinceMs: Math.floor(nowUs / 1e3),
      wall: { perMin: 10.5, atMs: Math.floor(nowUs / 1e3) },
      episode: ['host/a'],
    };
    const why: Adjustment = { ...adjustment('p', nowUs, 'half'), kind: 'tightened' };
    t.equal(await store.setStanding('p', 0, first, why), true);
    t.same(await store.standings(), new Map([['p', first]]));
    t.equal(await store.setStanding('p', 0, { ...first, factor: 0.5 }, why), false, 'too late');
    t.same((await store.standings()).get('p')?.factor, 0.25);
    t.equal((await store.history('p', 5)).length, 1, 'nor is its reason kept');
    const stop: Stop = { phase: 'suspended', untilMs: nowUs / 1e3 + 5000, times: 2 };
    t.equal(await store.setStanding('p', 1, { ...first, epoch: 2, stop }, undefined), true);
    t.same((await store.standings()).get('p')?.stop, stop);
    t.equal(await store.setStanding('p', 2, undefined, undefined), true);
    t.same(await store.standings(), new Map());
    t.same(told, ['p', 'p', 'p']);
    t.same([...kinds], ['any']);
    undo();
  });

  await on('controls and their history', async (t, { store }) => {
    const nowUs = await store.now();
    const told: string[] = [];
    store.onChange((provider) => told.push(provider));
    const control = {
      override: {
        pace: { count: 10, windowUs: 60e6 },
        burst: 1,
        pinned: true,
        untilUs: nowUs + HOUR,
      },
      pass: {},
    };
    await store.setControl('p', control, adjustment('p', nowUs, 'one'));
    await store.setControl(
      'q',
      { suspended: { untilUs: nowUs - 1 } },
      adjustment('q', nowUs, 'two'),
    );
    t.same(await store.controls(), new Map([['p', control]]));
    await store.setControl('p', undefined, adjustment('p', nowUs, 'three'));
    t.same(await store.controls(), new Map());
    t.same(
      (await store.history(undefined, 9)).map(({ to }) => to),
      ['three', 'two', 'one'],
    );
    t.same(
      (await store.history(undefined, 1)).map(({ to }) => to),
      ['three'],
    );
    t.same(await store.history('q', 9), [adjustment('q', nowUs, 'two')]);
    t.same(told, ['p', 'q', 'p']);
  });

  await on('usage and providers', async (t, { store }) => {
    t.match(await store.usage('p'), { provider: 'p', minute: 0, hour: 0, day: 0, inFlight: 0 });
    t.same(await store.providers(), []);
    t.ok((await store.take(request('p', PACE, { recipients: 4 }))).ok);
    t.ok((await store.take(request('q', FREE))).ok);
    const usage = await store.usage('p');
    t.match(usage, { minute: 4, hour: 4, day: 4 });
    t.ok(usage.tatUs !== undefined && usage.tatUs > (await store.now()));
    t.equal((await store.usage('q')).tatUs, undefined);
    t.same([...(await store.providers())].toSorted(), ['p', 'q']);
  });
}
