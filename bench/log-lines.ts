/**
 * Lines of a Postfix log a second on one core, parsed and classified, and whether memory stays flat:
 * medians of interleaved rounds over the same million lines, against a loop that only looks for
 * `status=` in each.
 * usage: node --expose-gc dist/bench/log-lines.js [ROUNDS]; prints JSON.
 */
import { createClassifier } from '../src/feedback/classify.ts';
import { readOutcome } from '../src/feedback/outcome-reader.ts';
import { loadRules } from '../src/feedback/rule-files.ts';
import { readEvent } from '../src/postfix/log-grammar.ts';
import { StampReader } from '../src/postfix/stamp.ts';
import { machine, median, ratios, rounded } from './rig/figures.ts';
import { logLine } from './rig/postfix-lines.ts';

const LINES = 1_000_000;
const NOW_MS = Date.parse('2026-11-24T12:00:00');
const rounds = Number(process.argv[2] ?? 5);
const rules = loadRules();
const classifier = createClassifier(rules);
const samples = rules.map(({ sample }) => sample);

/** Thousand lines at a time, made outside the time that counts. */
function pass(each: (text: string) => void): number {
  let ms = 0;
  for (let from = 0; from < LINES; from += 1000) {
    const some = Array.from({ length: 1000 }, (_, i) => logLine(from + i, samples));
    const began = performance.now();
    for (const text of some) each(text);
    ms += performance.now() - began;
  }
  return ms / 1000;
}

let events = 0;
let classified = 0;
function ours(): number {
  const stamps = new StampReader();
  return pass((text) => {
    const event = readEvent(text, stamps, NOW_MS);
    if (event === undefined) return;
    events += 1;
    if (event.kind !== 'delivery') return;
    if (readOutcome(event, 'outlook', classifier, ['192.0.2.25']).classification) classified += 1;
  });
}

let found = 0;
function reference(): number {
  return pass((text) => {
    if (text.includes('status=')) found += 1;
  });
}

function heapMb(): number {
  globalThis.gc?.();
  return rounded(process.memoryUsage().heapUsed / 2 ** 20);
}

ours();
const before = heapMb();
const oursSec: number[] = [];
const referenceSec: number[] = [];
for (let round = 0; round < rounds; round += 1) {
  referenceSec.push(reference());
  oursSec.push(ours());
}
process.stdout.write(
  `${JSON.stringify({
    bench: 'log-lines',
    machine: machine(),
    lines: LINES,
    rounds,
    perRound: { events: events / (rounds + 1), classified: classified / (rounds + 1) },
    deliveryLines: found / rounds,
    linesPerSecond: rounded(LINES / median(oursSec)),
    timeAgainstReference: ratios(oursSec, referenceSec),
    heapMb: { before, after: heapMb() },
    wanted: { linesPerSecond: 'at least 100000' },
  })}\n`,
);
