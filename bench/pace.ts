/**
 * What a large backlog costs: messages held for as many destinations. Times in milliseconds, and the
 * longest that anything else had to wait meanwhile.
 * usage: node dist/bench/pace.js [MESSAGES]; prints JSON.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Target, type TargetParts } from '../src/daemon/target.ts';
import { daemonClock } from '../src/daemon/time.ts';
import { HeldBook } from '../src/pace/held-book.ts';
import { Membership } from '../src/pace/membership.ts';
import { Pacer } from '../src/pace/pacer.ts';
import type { HoldQueue, QueuedMessage, Releaser } from '../src/pace/ports.ts';
import { createResolver } from '../src/provider/resolve.ts';
import { systemClock } from '../src/store/clock.ts';
import { openMemoryStore } from '../src/store/memory.ts';
import { noFeedbackVerbs, toldFeedback } from '../test/pace/told-feedback.ts';

const messages = Number(process.argv[2] ?? 10_000);
const stateDir = mkdtempSync(join(tmpdir(), 'postpace-bench-'));
const clock = daemonClock();
const quiet = { debug: noted, info: noted, warn: noted, error: noted };
// One an hour, so that all of them wait.
const limits = { pace: { count: 1, windowUs: 3600e6, burst: 1 }, quotas: [] };
const resolver = createResolver({ providers: [], default: limits });

class Listing implements HoldQueue {
  held: readonly QueuedMessage[] = [];
  async *list(): AsyncIterable<QueuedMessage> {
    for (const [index, message] of this.held.entries()) {
      yield message;
      // As the real one: a chunk of the pipe at a time.
      if (index % 200 === 199) await sleep(0);
    }
  }
}

const releaser: Releaser = {
  release: async (asked) => ({ confirmed: asked.map(({ queueId }) => queueId), unconfirmed: [] }),
  hold: async (confirmed) => ({ confirmed, unconfirmed: [] }),
};

function targetOf(recipient: string): { readonly id: string; readonly mode: 'hold' } {
  const { id } = resolver.resolve(recipient.slice(recipient.indexOf('@') + 1));
  return { id, mode: 'hold' };
}

async function open(queue: HoldQueue, adopts: boolean) {
  const store = await openMemoryStore({ clock: systemClock });
  const book = new HeldBook({ stateDir, onTrouble: noted });
  const pacer = new Pacer({
    clock,
    host: 'bench',
    store,
    book,
    queue,
    releaser,
    ownerOf: async () => (adopts ? { owner: 'ours', why: 'bench' } : undefined),
    feedback: toldFeedback,
    settings: {
      limitsOf: (provider) => resolver.provider(provider).limits,
      targetOf,
      groupedOf: () => undefined,
      prepare: async () => undefined,
      laneOf: () => 'default',
      laneIndex: () => 0,
      bestLane: () => 'default',
      backoff: () => ({ minMs: 60_000, maxMs: 3600_000 }),
      maxHoldMs: () => 86_400_000,
      onMaxHold: () => 'keep',
      adoptAll: () => false,
      outcomesSeen: () => false,
      doorWaitMs: () => 0,
    },
    membership: new Membership({
      nowMs: () => clock.nowMs(),
      log: quiet,
      memberOf: () => undefined,
      ownId: (destination) => destination,
      ofHost: () => undefined,
    }),
    log: quiet,
  });
  return { store, book, pacer };
}

/** Milliseconds it takes, and the longest turn of the event loop meanwhile. */
async function measured(
  work: () => Promise<unknown>,
): Promise<{ ms: number; cpuMs: number; longestMs: number }> {
  let longest = 0;
  let last = performance.now();
  let isDone = false;
  const watch = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (!isDone) setImmediate(watch);
  };
  setImmediate(watch);
  const before = process.cpuUsage();
  const startedMs = performance.now();
  await work();
  const ms = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(before);
  await sleep(5);
  isDone = true;
  const cpuMs = (user + system) / 1000;
  return { ms: rounded(ms), cpuMs: rounded(cpuMs), longestMs: rounded(longest) };
}

const queue = new Listing();
const first = await open(queue, true);
const names = Array.from({ length: messages }, (_, i) => `d${i}.example`);
queue.held = names.map((name, i) => ({
  queue: 'hold',
  queueId: `BENCH${i}`,
  arrivalSec: Math.floor(clock.nowMs() / 1000),
  sizeBytes: 2000,
  sender: `sender${i % 50}@example.org`,
  recipients: [{ address: `a@${name}` }],
}));
// Each destination had its hourly one.
for (const provider of names) await first.store.charge([{ provider, recipients: 1, limits }]);
await first.pacer.load();
const results: Record<string, unknown> = { messages };
results.adopt = await measured(() => first.pacer.compare());
const parts: TargetParts = {
  clock,
  pacer: first.pacer,
  feedback: toldFeedback,
  feedbackVerbs: noFeedbackVerbs,
  store: first.store,
  log: quiet,
  resolution: (provider) => resolver.provider(provider),
  modeOf: () => 'hold',
  providersOf: (all) => [...new Set(all.map((one) => targetOf(one).id))],
  canonical: (provider) => provider,
  because: () => ({ provider: undefined, because: '' }),
  prepare: async () => undefined,
  successors: () => [],
  named: () => [],
  header: () => ({
    version: '',
    pid: 0,
    startedAt: 0,
    store: 'memory',
    split: null,
    mode: 'hold',
    log: { source: '', state: '' },
    postfix: { configDirectory: '' },
    warnings: [],
  }),
  config: () => ({}),
  reload: async () => undefined,
};
const target = new Target(parts);
first.pacer.start();
results.firstLook = await measured(() => sleep(1000));
results.status = await measured(() => target.status());
results.heldList = await measured(() => target.held({}));
results.reconcile = await measured(() => first.pacer.compare());
for (let i = 0; i < 3 * messages; i += 1) {
  const record = first.pacer.is.desk.record(`BENCH${i % messages}`);
  if (record !== undefined) first.book.put(record);
}
first.pacer.stop();
results.compaction = await measured(() => first.book.tidy());
first.book.close();
await first.store.close();

const second = await measured(async () => {
  const again = await open(queue, false);
  await again.pacer.load();
  queue.held = [];
  results.gone = await measured(() => again.pacer.compare());
  again.book.close();
  await again.store.close();
});
results.load = { longestMs: second.longestMs };
rmSync(stateDir, { recursive: true });
process.stdout.write(`${JSON.stringify(results)}\n`);

function noted(): void {
  // Nothing is said during a measurement.
}

function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}
