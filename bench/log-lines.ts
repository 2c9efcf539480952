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

const LINES = 1_000_000;
const NOW_MS = Date.parse('2026-11-24T12:00:00');
const SENT = '250 2.0.0 Ok: queued as 9A1B2C';
const rounds = Number(process.argv[2] ?? 5);
const rules = loadRules();
const classifier = createClassifier(rules);
const samples = rules.map(({ sample }) => sample);

/** Five lines a message, as Postfix writes them; one message in ten is refused, each time otherwise. */
function line(n: number): string {
  const message = Math.floor(n / 5);
  const second = String(message % 60).padStart(2, '0');
  const head = `Nov 24 11:${String(Math.floor(message / 60) % 60).padStart(2, '0')}:${second} mail postfix/`;
  const id = `4c${String(message).padStart(8, '0')}z2Gk`;
  const to = `user${message % 1000}@d${message % 5000}.example`;
  switch (n % 5) {
    case 0:
      return `${head}smtpd[711]: ${id}: client=app.lan[192.0.2.7], sasl_method=PLAIN, sasl_username=app`;
    case 1:
      return `${head}cleanup[712]: ${id}: message-id=<${message}.1@app.example>`;
    case 2:
      return `${head}qmgr[713]: ${id}: from=<app@here.example>, size=2310, nrcpt=1 (queue active)`;
    case 3: {
      const reply = samples[message % samples.length] ?? '';
      const [status, dsn, text] =
        message % 10 === 0
          ? ['deferred', '4.0.0', `host mx.there.example[198.51.100.4] said: ${reply}`]
          : ['sent', '2.0.0', SENT];
      return `${head}smtp[714]: ${id}: to=<${to}>, relay=mx.there.example[198.51.100.4]:25, delay=0.8, delays=0.1/0/0.3/0.4, dsn=${dsn}, status=${status} (${text})`;
    }
    default:
      return `${head}qmgr[713]: ${id}: removed`;
  }
}

/** Thousand lines at a time, made outside the time that counts. */
function pass(each: (text: string) => void): number {
  let ms = 0;
  for (let from = 0; from < LINES; from += 1000) {
    const some = Array.from({ length: 1000 }, (_, i) => line(from + i));
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
