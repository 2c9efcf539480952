/**
 * Mail to several providers at once, at random: no window is overrun, all of it leaves within a
 * time that its own providers set, and what another provider does is not felt.
 */
import * as fc from 'fast-check';
import t from 'tap';
import type { Limits } from '../../src/limit/limits.ts';
import { brokenPromises } from '../store/windows.ts';
import { openPacing } from './pacing.ts';
import { VirtualTime } from './virtual-time.ts';

const PROVIDERS = ['a.example', 'b.example', 'c.example'];
const SOON_SEC = 31;

interface Plan {
  readonly count: number;
  readonly windowSec: number;
  readonly burst: number;
  readonly quota: number | undefined;
  /** Seconds; Infinity: for ever. */
  readonly suspendedFor: number;
}

interface Mail {
  readonly atSec: number;
  readonly sender: number;
  /** Recipients at each provider. */
  readonly shares: readonly number[];
}

const QUOTA_SEC = 300;

const plan: fc.Arbitrary<Plan> = fc.record({
  count: fc.integer({ min: 1, max: 40 }),
  windowSec: fc.constantFrom(10, 60, 600),
  burst: fc.integer({ min: 1, max: 6 }),
  quota: fc.option(fc.integer({ min: 5, max: 40 }), { nil: undefined }),
  suspendedFor: fc.oneof(
    { weight: 4, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 10, max: 900 }) },
    { weight: 1, arbitrary: fc.constant(Infinity) },
  ),
});

const mail: fc.Arbitrary<Mail> = fc.record({
  atSec: fc.integer({ min: 0, max: 120 }),
  sender: fc.integer({ min: 0, max: 2 }),
  shares: fc
    .tuple(...PROVIDERS.map(() => fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 5 }))))
    .filter((shares) => shares.some((share) => share > 0)),
});

function limitsOf({ count, windowSec, burst, quota }: Plan): Limits {
  const quotas = quota === undefined ? [] : [{ count: quota, windowUs: QUOTA_SEC * 1e6 }];
  return { pace: { count, windowUs: windowSec * 1e6, burst }, quotas };
}

/** Seconds within which a provider takes all of its mail, whatever the order. */
function drainSec(one: Plan, recipients: number): number {
  const atPace = ((recipients + one.burst) * one.windowSec) / one.count;
  if (one.quota === undefined) return atPace;
  return atPace + (Math.ceil(recipients / Math.max(1, one.quota - 4)) + 1) * QUOTA_SEC * 1.02;
}

function isShared({ shares }: Mail): boolean {
  return shares.filter((share) => share > 0).length > 1;
}

async function simulate(
  t: Parameters<typeof openPacing>[0],
  time: VirtualTime,
  plans: readonly Plan[],
  mails: readonly Mail[],
  untilSec: number,
): Promise<ReadonlyMap<Mail, number>> {
  const limits = Object.fromEntries(PROVIDERS.map((name, i) => [name, limitsOf(plans[i]!)]));
  const { pacer, store, send, postfix, wishes, book } = await openPacing(t, { limits, time });
  wishes.outcomesSeen = false;
  const startUs = time.nowUs();
  for (const [i, { suspendedFor }] of plans.entries()) {
    const provider = PROVIDERS[i]!;
    if (suspendedFor === 0) continue;
    const until = Number.isFinite(suspendedFor) ? { untilUs: startUs + suspendedFor * 1e6 } : {};
    const why = { atUs: 0, provider, kind: 'suspend', from: '', to: '', why: '', by: '' } as const;
    await store.setControl(provider, { suspended: until }, why);
  }
  await time.settle();
  const leftAt = new Map<Mail, number>();
  const nowSec = (): number => (time.nowUs() - startUs) / 1e6;
  const byId = new Map(mails.map((one, i) => [`ID${String(i).padStart(5, '0')}`, one]));
  postfix.onRelease = ({ queueId }) => leftAt.set(byId.get(queueId)!, nowSec());
  for (const [queueId, one] of [...byId].toSorted(([, x], [, y]) => x.atSec - y.atSec)) {
    await time.advance(Math.max(0, one.atSec - nowSec()) * 1000);
    const to = PROVIDERS.flatMap((name, i) =>
      Array.from({ length: one.shares[i] ?? 0 }, (_, n) => `${n}@${name}`),
    );
    const verdict = await send(queueId, to, `${one.sender}@example.org`);
    if (verdict.kind === 'pass') leftAt.set(one, nowSec());
  }
  await time.advance((untilSec - nowSec()) * 1000);
  pacer.stop();
  await store.close();
  book.drop('none');
  return leftAt;
}

t.test('mail to three providers', async (t) => {
  const time = new VirtualTime(t);
  time.ticks = false;
  const promises = fc.assert(
    fc.asyncProperty(
      fc.tuple(plan, plan, plan),
      fc.array(mail, { minLength: 1, maxLength: 40 }),
      async (plans, mails) => {
        const total = (i: number) => mails.reduce((sum, { shares }) => sum + shares[i]!, 0);
        // What a provider's line may lose to messages that wait for another provider as well.
        const lostSec = plans.map(({ burst, windowSec, count, quota }, i) => {
          const shared = mails.filter((one) => isShared(one) && one.shares[i]! > 0).length;
          const reserve = ((burst + 5) * windowSec) / count + (quota === undefined ? 2 : SOON_SEC);
          return shared * reserve;
        });
        const boundOf = ({ atSec, shares }: Mail): number => {
          const its = plans.flatMap((one, i) => (shares[i]! > 0 ? [{ one, i }] : []));
          const opens = Math.max(atSec, ...its.map(({ one }) => one.suspendedFor));
          return its.reduce(
            (sum, { one, i }) => sum + drainSec(one, total(i)) + lostSec[i]!,
            opens + 121,
          );
        };
        const bounds = mails.map(boundOf);
        const untilSec = Math.max(200, ...bounds.filter(Number.isFinite)) + 1;
        const leftAt = await simulate(t, time, plans, mails, untilSec);
        for (const [i, one] of plans.entries()) {
          const ledger = [...leftAt]
            .map(([{ shares }, sec]) => ({ atUs: Math.round(sec * 1e6), recipients: shares[i]! }))
            .filter(({ recipients }) => recipients > 0)
            .toSorted((x, y) => x.atUs - y.atUs);
          const broken = brokenPromises(ledger, limitsOf(one));
          if (broken.length > 0) throw new Error(`${PROVIDERS[i]}: ${broken.join('; ')}`);
        }
        for (const [i, one] of mails.entries()) {
          const left = leftAt.get(one);
          const bound = bounds[i]!;
          if (bound === Infinity ? left !== undefined : left === undefined || left > bound) {
            throw new Error(`mail ${i} left at ${left}, bound ${bound}`);
          }
        }
      },
    ),
    { numRuns: 60 },
  );
  await t.resolves(promises, 'every window kept, nobody starved');
});
