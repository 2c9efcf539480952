import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import t from 'tap';
import type { Limits } from '../../src/limit/limits.ts';
import { UNTROUBLED } from '../../src/limit/standing.ts';
import { JOURNAL } from '../../src/store/keeper.ts';
import { openMemoryStore } from '../../src/store/memory.ts';
import { StoreError } from '../../src/store/store.ts';
import type { Store, TakeResult } from '../../src/store/store.ts';
import { FailingDisk } from './failing-disk.ts';
import { HandClock } from './hand-clock.ts';
import { PromisesAcrossChanges, limitsFrom } from './promises.ts';
import { killed, newStateDir } from './state-dir.ts';

const HOUR = 3600e6;
const PACE: Limits = { pace: { count: 20, windowUs: HOUR, burst: 4 }, quotas: [] };
const QUOTA: Limits = { quotas: [{ count: 10, windowUs: HOUR }] };
const WHY = { atUs: 1, kind: 'suspend', from: 'a', to: 'b', why: 'c', by: 'root' } as const;

const name = (i: number): string => `destination-${i % 1200}.example`;

let ids = 0;
const take = (
  store: Store,
  provider: string,
  limits: Limits,
  recipients = 1,
): Promise<TakeResult> =>
  store.take({
    id: `host/${(ids += 1)}`,
    lane: 0,
    queued: true,
    demands: [{ provider, recipients, limits }],
  });

async function admitted(
  store: Store,
  provider: string,
  limits: Limits,
  tries: number,
): Promise<number> {
  const results = await Promise.all(
    Array.from({ length: tries }, () => take(store, provider, limits)),
  );
  return results.filter(({ ok }) => ok).length;
}

async function eventually(
  t: { fail(message: string): unknown },
  what: string,
  holds: () => boolean,
): Promise<void> {
  for (let i = 0; i < 200; i += 1) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  t.fail(`not within 10 s: ${what}`);
}

t.test('a clean stop loses nothing', async (t) => {
  const stateDir = newStateDir(t);
  const clock = new HandClock();
  const troubles: string[] = [];
  const open = (): Promise<Store> =>
    openMemoryStore({ stateDir, clock, onTrouble: (what) => troubles.push(what) });
  let store = await open();
  t.ok((await take(store, 'p', { ...PACE, inFlight: 3 }, 3)).ok);
  t.equal(await admitted(store, 'q', QUOTA, 7), 7);
  await store.setControl('q', { suspended: {} }, { ...WHY, provider: 'q' });
  await store.setControl('r', { pass: {} }, { ...WHY, provider: 'r' });
  t.equal(await admitted(store, 'r', PACE, 30), 30);
  const before = await Promise.all(['p', 'q', 'r'].map((p) => store.usage(p)));
  const inFlight = await store.inFlight('p');
  await store.close();
  t.equal(statSync(join(stateDir, JOURNAL)).mode & 0o777, 0o600);

  clock.advance(60e6 - 1);
  store = await open();
  t.same(await Promise.all(['p', 'q', 'r'].map((p) => store.usage(p))), before);
  t.same(await store.inFlight('p'), inFlight);
  t.same(
    [...(await store.controls())],
    [
      ['q', { suspended: {} }],
      ['r', { pass: {} }],
    ],
  );
  t.equal((await store.history(undefined, 9)).length, 2);
  t.equal(await admitted(store, 'p', PACE, 9), 1, 'three of the burst of four were used');
  await store.setControl('q', undefined, { ...WHY, provider: 'q' });
  t.equal(await admitted(store, 'q', QUOTA, 9), 3);
  await store.close();
  t.same(troubles, []);
});

t.test('after a kill every burst counts as spent, and no quota is overrun', async (t) => {
  const stateDir = newStateDir(t);
  const clock = new HandClock();
  const store = await openMemoryStore({ stateDir, clock });
  t.equal(await admitted(store, 'p', PACE, 9), 4);
  t.equal(await admitted(store, 'q', QUOTA, 7), 7);
  t.ok((await take(store, 'large', PACE, 30)).ok);
  const remains = killed(t, stateDir);
  await store.close();

  const troubles: string[] = [];
  const again = await openMemoryStore({
    stateDir: remains,
    clock,
    onTrouble: (what) => troubles.push(what),
  });
  t.match(troubles, [/limits\.journal: no clean stop; every burst counts as spent/]);
  t.equal(await admitted(again, 'p', PACE, 9), 0);
  t.equal(await admitted(again, 'never seen', PACE, 9), 0);
  t.equal(await admitted(again, 'unlimited', { quotas: [] }, 9), 9);
  t.equal(await admitted(again, 'q', QUOTA, 9), 3);
  t.equal(await admitted(again, 'large', PACE, 9), 0);
  clock.advance(HOUR / 20);
  t.equal(await admitted(again, 'p', PACE, 9), 1, 'then one an interval');
  t.equal(await admitted(again, 'never seen', PACE, 9), 1);
  clock.advance(25 * (HOUR / 20));
  t.equal(await admitted(again, 'large', PACE, 9), 0, 'all thirty are paid');
  await again.close();

  const third = await openMemoryStore({ stateDir: remains, clock });
  t.equal(
    await admitted(
      third,
      'other',
      { pace: { count: 1, windowUs: 30 * HOUR, burst: 2 }, quotas: [] },
      9,
    ),
    0,
    'a clean stop later, the spent burst is not forgotten',
  );
  await third.close();
});

t.test('a wall clock that stepped back while we were down', async (t) => {
  for (const clean of [true, false]) {
    const stateDir = newStateDir(t);
    const clock = new HandClock();
    const first = await openMemoryStore({ stateDir, clock });
    t.equal(await admitted(first, 'p', PACE, 9), 4);
    t.equal(await admitted(first, 'q', QUOTA, 99), 10);
    const untilUs = (await first.now()) + HOUR;
    await first.setControl('s', { suspended: { untilUs } }, { ...WHY, provider: 's' });
    const remains = clean ? stateDir : killed(t, stateDir);
    await first.close();
    clock.stepWall(-1000 * HOUR);
    // Twice: the first start must have left a journal that the second one understands.
    for (let i = 0; i < 2; i += 1) {
      const store = await openMemoryStore({ stateDir: remains, clock });
      t.equal(await store.now(), clock.wallUs());
      const refused = await take(store, 'p', PACE);
      t.equal(
        refused.ok ? 0 : refused.retryAtUs - refused.nowUs,
        HOUR / 20,
        'what is owed, and not more',
      );
      const full = await take(store, 'q', QUOTA);
      t.equal(full.ok ? 0 : full.retryAtUs - full.nowUs, HOUR);
      const held = await take(store, 's', PACE);
      t.equal(held.ok ? 0 : held.retryAtUs - held.nowUs, HOUR);
      await store.close();
    }
    const later = await openMemoryStore({ stateDir: remains, clock });
    clock.advance(HOUR);
    t.equal(await admitted(later, 'q', QUOTA, 99), 10);
    await later.close();
  }
});

t.test('a state directory that can not be used', async (t) => {
  const dir = newStateDir(t);
  writeFileSync(join(dir, 'file'), '');
  for (const stateDir of [join(dir, 'file'), join(dir, 'file', 'below'), '/proc/postpace']) {
    await t.rejects(openMemoryStore({ stateDir, clock: new HandClock() }), {
      name: 'StoreError',
      message: new RegExp(`^${stateDir}/limits\\.journal can't be used: \\w+`),
    });
  }
  mkdirSync(join(dir, JOURNAL));
  await t.rejects(openMemoryStore({ stateDir: dir, clock: new HandClock() }), StoreError);
});

t.test(
  'a full disk: pacing goes on, said once, and the journal is whole again after',
  async (t) => {
    const stateDir = newStateDir(t);
    const clock = new HandClock();
    const disk = new FailingDisk();
    const troubles: string[] = [];
    const onTrouble = (what: string): unknown => troubles.push(what);
    const store = await openMemoryStore({ stateDir, clock, disk, onTrouble });
    t.equal(await admitted(store, 'before', QUOTA, 3), 3);
    disk.fill();
    t.equal(await admitted(store, 'q', QUOTA, 99), 10);
    t.equal(await admitted(store, 'p', PACE, 99), 4);
    await store.setControl('s', { suspended: {} }, { ...WHY, provider: 's' });
    await new Promise((resolve) => setTimeout(resolve, 1200));
    t.match(troubles, [/limits\.journal can't be written \(ENOSPC.*pacing goes on from memory/]);
    disk.empty();
    await eventually(t, 'written again', () => troubles.length === 2);
    t.match(troubles[1], /limits\.journal is written again/);
    t.equal(await admitted(store, 'q2', QUOTA, 2), 2);
    const remains = killed(t, stateDir);
    await store.close();
    const again = await openMemoryStore({ stateDir: remains, clock });
    t.equal(await admitted(again, 'before', QUOTA, 99), 7);
    t.equal(await admitted(again, 'q', QUOTA, 99), 0);
    t.equal(await admitted(again, 'q2', QUOTA, 99), 8);
    t.same([...(await again.controls()).keys()], ['s']);
    await again.close();
    t.equal(troubles.length, 2);
  },
);

t.test('a file system that is really full', async (t) => {
  const stateDir = newStateDir(t);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', stateDir]);
  const clock = new HandClock();
  const troubles: string[] = [];
  const onTrouble = (what: string): unknown => troubles.push(what);
  const limits: Limits = { ...QUOTA, quotas: [{ count: 2000, windowUs: HOUR }] };
  try {
    const store = await openMemoryStore({ stateDir, clock, onTrouble });
    t.equal(await admitted(store, 'q', limits, 5), 5);
    let padding = 0;
    try {
      for (; ; padding += 1) writeFileSync(join(stateDir, `padding${padding}`), 'x'.repeat(4096));
    } catch (error) {
      t.match(error, { code: 'ENOSPC' });
    }
    for (let i = 0; i < 300; i += 1) await take(store, `q${i % 50}`, limits);
    t.match(troubles, [/ENOSPC/]);
    for (let i = 0; i <= padding; i += 1) rmSync(join(stateDir, `padding${i}`), { force: true });
    await eventually(t, 'written again', () => troubles.length === 2);
    await store.close();
    const again = await openMemoryStore({ stateDir, clock, onTrouble });
    t.equal((await again.usage('q')).hour, 5);
    t.equal((await again.usage('q49')).hour, 6);
    t.equal(troubles.length, 2, 'a clean stop');
    await again.close();
  } finally {
    execFileSync('umount', ['-l', stateDir]);
  }
});

t.test('a disk that hangs does not hold an answer back', async (t) => {
  const stateDir = newStateDir(t);
  const disk = new FailingDisk();
  const store = await openMemoryStore({ stateDir, clock: new HandClock(), disk });
  const going = new AbortController();
  disk.beforeWrite = async () => {
    if (!going.signal.aborted) await once(going.signal, 'abort');
  };
  t.equal(await admitted(store, 'q', QUOTA, 20), 10, 'answered although nothing was written');
  going.abort();
  await store.close();
});

t.test('what feedback left behind outlives a kill at once, a judgement too', async (t) => {
  const dir = newStateDir(t);
  const clock = new HandClock();
  const store = await openMemoryStore({ stateDir: dir, clock });
  await store.setStanding('p', 0, { ...UNTROUBLED, epoch: 1, factor: 0.5 }, undefined);
  const after = await openMemoryStore({ stateDir: killed(t, dir), clock });
  t.match((await after.standings()).get('p'), { epoch: 1, factor: 0.5 });
  await after.close();
  await store.close();
});

t.test('rewritten in slices: whatever a kill leaves at any step keeps the promise', async (t) => {
  const stateDir = newStateDir(t);
  const clock = new HandClock();
  const disk = new FailingDisk();
  const store = await openMemoryStore({ stateDir, clock, disk });
  const limits: Limits = {
    pace: { count: 1000, windowUs: HOUR, burst: 100 },
    quotas: [{ count: 500, windowUs: HOUR }],
  };
  // Enough for a file of more than a megabyte that rewrites to much less.
  for (let i = 0; i < 12_000; i += 1) {
    if (i % 1200 === 0) clock.advance(120e6);
    await take(store, name(i), limits);
    if (
      i % 1200 !== 0 &&
      existsSync(join(stateDir, JOURNAL)) &&
      statSync(join(stateDir, JOURNAL)).size > 1 << 20
    )
      break;
  }
  const told = new Map<string, number>();
  for (const provider of await store.providers())
    told.set(provider, (await store.usage(provider)).hour);
  const snapshots: { remains: string; least: Map<string, number> }[] = [];
  disk.afterChange = () => {
    if (snapshots.length < 40)
      snapshots.push({ remains: killed(t, stateDir), least: new Map(told) });
  };
  const path = join(stateDir, JOURNAL);
  const sizeBefore = statSync(path).size;
  const tell = async (provider: string): Promise<void> => {
    const { ok } = await take(store, provider, limits);
    if (ok) told.set(provider, (told.get(provider) ?? 0) + 1);
  };
  let more = 0;
  await eventually(t, 'the journal is rewritten', () => {
    const provider = name((more += 7));
    void tell(provider);
    return statSync(path).size < sizeBefore / 2;
  });
  disk.afterChange = () => undefined;
  await take(store, 'last', limits);
  snapshots.push({ remains: killed(t, stateDir), least: new Map(told) });
  const final = new Map<string, number>();
  for (const provider of told.keys()) final.set(provider, (await store.usage(provider)).hour);
  await store.close();
  for (const { remains, least } of [...snapshots.slice(0, 6), ...snapshots.slice(-6)]) {
    const again = await openMemoryStore({ stateDir: remains, clock });
    for (const [provider, recipients] of least) {
      const { hour } = await again.usage(provider);
      if (hour < recipients || hour > (final.get(provider) ?? 0)) {
        t.fail(`${provider}: ${hour} known, ${recipients} were answered`);
      }
    }
    await again.close();
  }
  t.ok(snapshots.length > 2, `${snapshots.length} moments`);
});

t.test('promises under random limits, sizes, changes, clocks and stops', async (t) => {
  const limitsOf = fc.record({
    pace: fc.option(
      fc.record({
        count: fc.double({ min: 0.5, max: 40, noNaN: true }),
        windowUs: fc.constantFrom(1e6, 60e6),
        burst: fc.integer({ min: 1, max: 12 }),
      }),
      { nil: undefined },
    ),
    quotas: fc.uniqueArray(
      fc.record({
        count: fc.integer({ min: 1, max: 30 }),
        windowUs: fc.constantFrom(20e6, 60e6, 3600e6),
      }),
      { maxLength: 2, selector: ({ windowUs }) => windowUs },
    ),
  });
  const step = fc.oneof(
    {
      weight: 12,
      arbitrary: fc.record({
        do: fc.constant('take' as const),
        size: fc.integer({ min: 1, max: 5 }),
        times: fc.integer({ min: 1, max: 12 }),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant('wait' as const),
        us: fc.integer({ min: 1, max: 90e6 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('step back' as const),
        us: fc.integer({ min: 1, max: 900e6 }),
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constantFrom('stop' as const, 'kill' as const, 'change' as const),
      }),
    },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(limitsOf, limitsOf),
      fc.array(step, { maxLength: 60 }),
      async (choices, steps) => {
        const clock = new HandClock();
        let stateDir = newStateDir(t);
        let store = await openMemoryStore({ stateDir, clock });
        let chosen = 0;
        const promised = new PromisesAcrossChanges(choices);
        for (const one of steps) {
          const limits = limitsFrom(choices[chosen]!);
          switch (one.do) {
            case 'take': {
              for (let i = 0; i < one.times; i += 1) {
                const { ok } = await take(store, 'p', limits, one.size);
                // True time, which no wall clock shows: what the receivers see.
                promised.asked(chosen, ok, { atUs: clock.monotonicUs(), recipients: one.size });
                if (!ok) break;
              }
              break;
            }
            case 'wait':
              clock.advance(one.us);
              break;
            case 'step back':
              clock.stepWall(-one.us);
              break;
            case 'change':
              chosen = 1 - chosen;
              break;
            case 'stop':
              await store.close();
              store = await openMemoryStore({ stateDir, clock });
              break;
            case 'kill': {
              const remains = killed(t, stateDir);
              await store.close();
              stateDir = remains;
              store = await openMemoryStore({ stateDir, clock });
              break;
            }
            default:
              one satisfies never;
          }
        }
        await store.close();
        const broken = promised.broken();
        if (broken.length > 0) throw new Error(broken.join('; '));
      },
    ),
    { numRuns: 400 },
  );
  t.pass('400 random lives');
});

t.test('what is read back reads the same again', async (t) => {
  const stateDir = newStateDir(t);
  const clock = new HandClock();
  const store = await openMemoryStore({ stateDir, clock });
  await admitted(store, 'p', { ...PACE, inFlight: 9 }, 3);
  await store.close();
  for (let i = 0; i < 3; i += 1) await (await openMemoryStore({ stateDir, clock })).close();
  t.equal(readFileSync(join(stateDir, JOURNAL), 'utf8').match(/"stop"/g)?.length, 1);
});
