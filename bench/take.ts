/**
 * Takes a second on the memory store, without a journal, for no limit, one and three: medians of
 * interleaved rounds, each against a naive GCRA (one number in a Map) in the same round.
 * usage: node dist/bench/take.js [ROUNDS]; prints JSON.
 */
import { openMemoryStore } from '../src/store/memory.ts';
import type { Limits } from '../src/limit/limits.ts';
import { systemClock } from '../src/store/clock.ts';

const TAKES = 100_000;
const PROVIDERS = 100;
const pace = { count: 1e6, windowUs: 60e6, burst: 1000 };
const CASES: Readonly<Record<string, Limits>> = {
  unlimited: { quotas: [] },
  pace: { pace, quotas: [] },
  paceAndTwoQuotas: {
    pace,
    quotas: [
      { count: 1e9, windowUs: 3600e6 },
      { count: 1e9, windowUs: 86_400e6 },
    ],
  },
};

const rounds = Number(process.argv[2] ?? 7);
const perSec = new Map<string, number[]>();
const ratios = new Map<string, number[]>();

for (let round = 0; round < rounds; round += 1) {
  for (const [name, limits] of Object.entries(CASES)) {
    const naive = await timed(naiveGcra);
    const ours = await timed(() => takes(limits));
    push(perSec, name, TAKES / ours);
    push(ratios, name, naive / ours);
  }
}

process.stdout.write(
  `${JSON.stringify({
    takes: TAKES,
    providers: PROVIDERS,
    rounds,
    takesPerSecond: medians(perSec),
    speedAgainstNaiveGcra: medians(ratios),
  })}\n`,
);

async function takes(limits: Limits): Promise<void> {
  const store = await openMemoryStore({ clock: systemClock });
  for (let i = 0; i < TAKES; i += 1) {
    const demands = [{ provider: `p${i % PROVIDERS}`, recipients: 1, limits }];
    await store.take({ id: 'host/1', lane: 1, queued: false, demands });
  }
  await store.close();
}

async function naiveGcra(): Promise<void> {
  const tats = new Map<string, number>();
  const intervalUs = pace.windowUs / pace.count;
  const one = async (provider: string): Promise<boolean> => {
    const nowUs = Date.now() * 1e3;
    const tatUs = Math.max(tats.get(provider) ?? 0, nowUs);
    if (tatUs - (pace.burst - 1) * intervalUs > nowUs) return false;
    tats.set(provider, tatUs + intervalUs);
    return true;
  };
  for (let i = 0; i < TAKES; i += 1) await one(`p${i % PROVIDERS}`);
}

async function timed(work: () => Promise<void>): Promise<number> {
  const fromMs = performance.now();
  await work();
  return (performance.now() - fromMs) / 1e3;
}

function push(into: Map<string, number[]>, name: string, value: number): void {
  into.set(name, [...(into.get(name) ?? []), value]);
}

function medians(values: ReadonlyMap<string, readonly number[]>): Record<string, number> {
  return Object.fromEntries(
    Array.from(values, ([name, list]) => {
      const sorted = list.toSorted((a, b) => a - b);
      return [name, Number((sorted[sorted.length >> 1] ?? NaN).toPrecision(3))];
    }),
  );
}
