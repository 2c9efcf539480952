/**
 * A large installation: the real daemon after 100,000 destinations, with 10,000 messages held. Its
 * memory, the time of `status`, and whether an answer at the end of message ever waits for the
 * journal, the comparison with the queue or the log. The queue is listed by a stand-in for
 * postqueue, which is faster than the real one and so leaves the daemon less time in between.
 * usage: node dist/bench/memory.js [--destinations N] [--held N] [--held-destinations N] [--seconds N]
 * Prints JSON.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { startPostfix } from '../lab/postfix.ts';
import { MILTER, startPostpace } from '../lab/postpace.ts';
import { nowMs, waitFor } from '../lab/wait.ts';
import { machine, residentMb, rounded, spread } from './rig/figures.ts';
import { domainOf, openLoad, queueIdOf, type LoadFigures } from './rig/load.ts';
import { logDelivered, logHeld } from './rig/outcome-lines.ts';
import { Workshop } from './rig/workshop.ts';

const { values } = parseArgs({
  options: {
    destinations: { type: 'string', default: '100000' },
    held: { type: 'string', default: '10000' },
    'held-destinations': { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '20' },
  },
});
const destinations = Number(values.destinations);
const held = Number(values.held);
const heldDestinations = Number(values['held-destinations']);

/** Mail that always passes goes here; all else is over its limit after the first. */
const OPEN = 9_999_999;
const SEEN = { base: 0, count: destinations };
const HELD = { base: 0, count: heldDestinations };
const PASSING = { base: OPEN, count: 1 };
const CONFIG = {
  log_level: 'info',
  reconcile: '2s',
  default: { pace: '1/day', burst: 1, quotas: ['1000/day'], in_flight: 5 },
  providers: {
    open: {
      domains: [domainOf(OPEN)],
      pace: '1000000/min',
      burst: 1000000,
      quotas: ['10000000/h'],
      in_flight: 1000000,
    },
  },
};
/** Messages whose answers are timed together, and then logged as delivered. */
const CHUNK = 2000;
/** Messages held before they are listed: the comparison misses what it does not find for 5 s. */
const HELD_CHUNK = 500;

const about = machine();
const workshop = await Workshop.open();
const postfix = await startPostfix({ milters: MILTER });
const bin = workshop.path('bin');
const queueFile = workshop.path('queue.ndjson');
const loopFile = workshop.path('loop.json');
await mkdir(bin);
await writeFile(queueFile, '');
await writeFile(`${bin}/postqueue`, `#!/bin/sh\nexec cat ${queueFile}\n`, { mode: 0o755 });
const before = { PATH: process.env.PATH ?? '', NODE_OPTIONS: process.env.NODE_OPTIONS ?? '' };
process.env.PATH = `${bin}:${before.PATH}`;
process.env.POSTPACE_BENCH_LOOP = loopFile;
const probe = new URL('rig/loop-probe.js', pathToFileURL(`${import.meta.dirname}/`));
process.env.NODE_OPTIONS = `${before.NODE_OPTIONS} --import=${probe.href}`;
const postpace = await startPostpace(postfix, CONFIG);
process.env.NODE_OPTIONS = before.NODE_OPTIONS;
const pid = postpace.pid ?? 0;
const socket = `${postfix.queueDirectory}/postpace/milter.sock`;
const journal = `${postpace.stateDir}/limits.journal`;
let next = 1;

try {
  process.stdout.write(`${JSON.stringify(await measure())}\n`);
} finally {
  await postpace.stop();
  await postfix.stop();
  await workshop.close();
}

async function measure(): Promise<object> {
  const load = await openLoad(workshop, 'smtp');
  const atStart = residentMb(pid).now;

  // Every destination once, a few thousand a second.
  const seeding = watched();
  const seed: LoadFigures[] = [];
  for (let done = 0; done < destinations; done += CHUNK) {
    const messages = Math.min(CHUNK, destinations - done);
    const options = { socket, connections: 8, messages, first: next, intervalUs: 2000 };
    seed.push(await load.run({ ...options, to: SEEN }));
    void logDelivered(postfix.logFile, next, messages, SEEN);
    next += messages;
  }
  const seeded = await seeding.end();

  // As fast as they are taken, and listed in between, before the first of them is missed.
  const firstHeld = next;
  let quarantined = 0;
  for (let done = 0; done < held; done += HELD_CHUNK) {
    const messages = Math.min(HELD_CHUNK, held - done);
    const hold = await load.run({ socket, connections: 8, messages, first: next, to: HELD });
    quarantined += hold.quarantined;
    next += messages;
    await listHeld(firstHeld, next - firstHeld);
  }
  await logHeld(postfix.logFile, firstHeld, held);
  const all = async () => (await postpace.control.status()).held.ours === quarantined;
  await waitFor(all, { what: 'all held' });
  await sleep(8000);
  const atRest = residentMb(pid).now;
  const status = await timed(9, () => postpace.control.status());
  const command = await timed(5, () => postpace.cli('status', '--json'));

  // Mail that passes, while the journal is compacted at its full size, the queue is compared every
  // two seconds and the log grows.
  const passing = watched();
  const fromMs = nowMs();
  const steady: LoadFigures[] = [];
  const enough = (): boolean => nowMs() - fromMs > Number(values.seconds) * 1000;
  const tooLong = (): boolean => nowMs() - fromMs > 45_000;
  while (!(enough() && passing.compactions() > 0) && !tooLong()) {
    const options = { socket, connections: 8, messages: CHUNK, first: next, intervalUs: 2000 };
    steady.push(await load.run({ ...options, to: PASSING }));
    void logDelivered(postfix.logFile, next, CHUNK, PASSING);
    next += CHUNK;
  }
  const passed = await passing.end();
  const report = await postpace.control.status();
  return {
    bench: 'memory',
    machine: about,
    destinations,
    held: report.held.ours,
    heldDestinations,
    warnings: report.warnings,
    residentMb: {
      atStart,
      atRest,
      mostWhileDestinationsCame: seeded.mostMb,
      mostWhileMailPassed: passed.mostMb,
    },
    statusMs: { control: status, commandWithNode: command },
    whileDestinationsCame: { ...answers(seed), ...seeded },
    whileMailPassed: { ...answers(steady), ...passed },
    wanted: { residentMb: 'below 150', statusMs: 'below 100', endOfMessageMostMs: 'at most 20' },
  };
}

interface Watched {
  readonly mostMb: number;
  readonly journalCompactions: number;
  readonly journalMb: number;
  /** How late the daemon's event loop came. */
  readonly loopLateMs: unknown;
}

/** Looks at the daemon four times a second until the end. */
function watched(): { compactions: () => number; end: () => Promise<Watched> } {
  let mostMb = 0;
  let compactions = 0;
  let inode = existsSync(journal) ? statSync(journal).ino : 0;
  process.kill(pid, 'SIGUSR2');
  const timer = setInterval(() => {
    mostMb = Math.max(mostMb, residentMb(pid).now);
    const { ino } = statSync(journal);
    if (ino !== inode) compactions += 1;
    inode = ino;
  }, 250);
  return {
    compactions: () => compactions,
    async end() {
      clearInterval(timer);
      await rm(loopFile, { force: true });
      process.kill(pid, 'SIGUSR2');
      await waitFor(() => existsSync(loopFile), { what: "the event loop's figures" });
      const journalMb = rounded(statSync(journal).size / 2 ** 20);
      const loopLateMs: unknown = JSON.parse(readFileSync(loopFile, 'utf8'));
      return { mostMb, journalCompactions: compactions, journalMb, loopLateMs };
    },
  };
}

/** What the stand-in for postqueue lists. */
async function listHeld(first: number, count: number): Promise<void> {
  const arrival = Math.floor(nowMs() / 1000);
  const lines = Array.from({ length: count }, (_, i) => {
    const n = first + i;
    const address = `user@${domainOf(HELD.base + (n % HELD.count))}`;
    return `${JSON.stringify({
      queue_name: 'hold',
      queue_id: queueIdOf(n),
      arrival_time: arrival,
      message_size: 600,
      forced_expire: false,
      sender: 'app@lab.test',
      recipients: [{ address }],
    })}\n`;
  });
  await writeFile(`${queueFile}.new`, lines.join(''));
  await rename(`${queueFile}.new`, queueFile);
}

async function timed(times: number, work: () => Promise<unknown>): Promise<object> {
  const each: number[] = [];
  for (let i = 0; i < times; i += 1) {
    const from = performance.now();
    await work();
    each.push(performance.now() - from);
  }
  return spread(each);
}

/** Answers at the end of message, in milliseconds; the percentiles are those of the worst chunk. */
function answers(chunks: readonly LoadFigures[]): object {
  const most = (name: keyof LoadFigures): number => Math.max(...chunks.map((one) => one[name]));
  const sum = (name: keyof LoadFigures): number =>
    chunks.reduce((total, one) => total + one[name], 0);
  return {
    messages: sum('messages'),
    messagesPerSecond: rounded(sum('messages') / sum('seconds')),
    held: sum('quarantined'),
    endOfMessageMs: {
      p50: rounded(most('p50Ms')),
      p99: rounded(most('p99Ms')),
      p999: rounded(most('p999Ms')),
      most: rounded(most('mostMs')),
      above20: sum('above20ms'),
    },
  };
}
