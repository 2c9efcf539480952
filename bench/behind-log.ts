/**
 * Verdicts of the real daemon (memory store) while it reads a million lines of log that are all there
 * at once, against the same load with nothing to read: a C program plays 8 conversations with a pause
 * between the messages. `readSeconds`: until the daemon was idle again.
 * usage: node dist/bench/behind-log.js [ROUNDS]; prints JSON.
 */
import { appendFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { startPostfix } from '../lab/postfix.ts';
import { MILTER, startPostpace } from '../lab/postpace.ts';
import { loadRules } from '../src/feedback/rule-files.ts';
import { cpuMs, machine, median, ratios, rounded } from './rig/figures.ts';
import { type LoadFigures, openLoad } from './rig/load.ts';
import { logDelivered } from './rig/outcome-lines.ts';
import { logLine } from './rig/postfix-lines.ts';
import { Workshop } from './rig/workshop.ts';

const LINES = 1_000_000;
const SLICE = 10_000;
const MESSAGES = 10_000;
const PAUSE_US = 7000;
const LIMITS = { pace: '1000000/min', burst: 1_000_000, in_flight: 1_000_000 };
/** Less CPU than this in half a second: nothing is being read. */
const IDLE_MS = 25;

const rounds = Number(process.argv[2] ?? 3);
const about = machine();
const samples = loadRules().map(({ sample }) => sample);
const workshop = await Workshop.open();
const postfix = await startPostfix({ milters: MILTER });
const postpace = await startPostpace(postfix, { log_level: 'error', default: LIMITS });
try {
  process.stdout.write(`${JSON.stringify(await measure())}\n`);
} finally {
  await postpace.stop();
  await postfix.stop();
  await workshop.close();
}

async function measure(): Promise<object> {
  const socket = `${postfix.queueDirectory}/postpace/milter.sock`;
  const load = await openLoad(workshop, 'smtp');
  let first = 1;
  const play = async (): Promise<LoadFigures> => {
    const to = { base: 0, count: 1000 };
    const at = { socket, connections: 8, messages: MESSAGES, first, each: false, to };
    const figures = await load.run({ ...at, intervalUs: PAUSE_US });
    if (figures.quarantined > 0) throw new Error('mail was held: not what is measured here');
    // Postfix was not there to tell what became of it.
    await logDelivered(postfix.logFile, first, MESSAGES, to);
    first += MESSAGES;
    return figures;
  };
  await play();
  const quiet: LoadFigures[] = [];
  const behind: LoadFigures[] = [];
  const readSeconds: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await idle();
    quiet.push(await play());
    await idle();
    const began = performance.now();
    await appendLines(round * LINES);
    behind.push(await play());
    const played = (performance.now() - began) / 1000;
    await idle();
    readSeconds.push(rounded((performance.now() - began) / 1000));
    // It was idle at the first look.
    if ((readSeconds.at(-1) ?? 0) < played + 0.9) throw new Error('the log was read too soon');
  }
  return {
    bench: 'behind-log',
    machine: about,
    rounds,
    lines: LINES,
    messages: MESSAGES,
    readSeconds,
    quiet: { p99Ms: median(p99(quiet)), mostMs: Math.max(...quiet.map(({ mostMs }) => mostMs)) },
    behind: { p99Ms: median(p99(behind)), mostMs: Math.max(...behind.map(({ mostMs }) => mostMs)) },
    p99AgainstQuiet: ratios(p99(behind), p99(quiet)),
    wanted: { p99Ms: 'below 5' },
  };
}

function p99(all: readonly LoadFigures[]): number[] {
  return all.map(({ p99Ms }) => p99Ms);
}

async function appendLines(first: number): Promise<void> {
  for (let from = first; from < first + LINES; from += SLICE) {
    const lines = Array.from({ length: SLICE }, (_, i) => `${logLine(from + i, samples)}\n`);
    await appendFile(postfix.logFile, lines.join(''));
  }
}

async function idle(): Promise<void> {
  for (;;) {
    const before = cpuMs(postpace.pid ?? 0);
    await sleep(500);
    if (cpuMs(postpace.pid ?? 0) - before < IDLE_MS) return;
  }
}
