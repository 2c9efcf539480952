/**
 * The milter alone, one process, under conversations that a C program plays as fast as the answers
 * come; against a C no-op milter that negotiates the same steps. Twice: `milterAlone` is src/milter
 * with handlers that do nothing, `postpace` the real daemon, which decides, counts and keeps its
 * journal (memory store). `postpaceCalm` is the daemon at some thousand messages a second.
 * usage: node dist/bench/milter.js [--rounds N] [--messages N] [--connections N] [--each]
 *        [--store redis]
 * --each: a new connection for each message; --store redis: with a Redis of its own. Prints JSON.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startPostfix } from '../lab/postfix.ts';
import { MILTER, startPostpace } from '../lab/postpace.ts';
import { waitFor } from '../lab/wait.ts';
import { cpuMs, machine, median, ratios, rounded, spread, type Spread } from './rig/figures.ts';
import { domainOf, openLoad, type LoadFigures } from './rig/load.ts';
import { sameSteps, startNoop } from './rig/noop.ts';
import { logDelivered } from './rig/outcome-lines.ts';
import { Workshop } from './rig/workshop.ts';
import { startRedis } from '../test/store/redis-servers.ts';

const TO = { base: 0, count: 1000 };
/** Limits as an installation has them, and so high that nothing is ever held. */
const LIMITS = {
  pace: '1000000/min',
  burst: 1000000,
  quotas: ['10000000/h', '100000000/day'],
  in_flight: 1000000,
};

const CALM_MESSAGES = 10_000;
const CALM_US = 7000;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    messages: { type: 'string', default: '20000' },
    connections: { type: 'string', default: '8' },
    each: { type: 'boolean', default: false },
    limits: { type: 'boolean', default: true },
    store: { type: 'string', default: 'memory' },
  },
  allowNegative: true,
});
const rounds = Number(values.rounds);
const messages = Number(values.messages);
const connections = Number(values.connections);

/** One of those that are measured by turns. */
interface Contender {
  readonly name: string;
  readonly socket: string;
  readonly pid: number;
  readonly rounds: Round[];
  /** What is to be done between the rounds. */
  readonly after?: (first: number) => Promise<void>;
}

interface Round {
  readonly figures: LoadFigures;
  readonly cpuMs: number;
}

const about = machine();
const workshop = await Workshop.open();
const postfix = await startPostfix({ milters: MILTER });
const redis = values.store === 'redis' ? await startRedis() : undefined;
const postpace = await startPostpace(postfix, {
  ...(redis && { store: `redis://127.0.0.1:${redis.port}` }),
  log_level: 'warn',
  default: values.limits ? LIMITS : { pace: 'none', in_flight: 'none' },
});
try {
  process.stdout.write(`${JSON.stringify(await measure())}\n`);
} finally {
  await postpace.stop();
  await postfix.stop();
  await redis?.stop();
  await workshop.close();
}

async function measure(): Promise<object> {
  const load = await openLoad(workshop, 'smtp');
  const noop: Contender = { name: 'noop', rounds: [], ...(await startNoop(workshop)) };
  const bare: Contender = { name: 'bare', rounds: [], ...(await startBare()) };
  const ours: Contender = {
    name: 'postpace',
    rounds: [],
    socket: `${postfix.queueDirectory}/postpace/milter.sock`,
    pid: postpace.pid ?? 0,
    after: land,
  };
  const negotiated = await sameSteps(ours.socket, noop.socket);
  await sameSteps(bare.socket, noop.socket);
  const contenders = [noop, bare, ours];
  let first = 1;
  const round = async ({ socket, pid, after }: Contender): Promise<Round> => {
    const before = cpuMs(pid);
    const options = { socket, connections, messages, first, each: values.each, to: TO };
    const figures = await load.run(options);
    const used = cpuMs(pid) - before;
    if (figures.quarantined > 0) throw new Error('mail was held: not what is measured here');
    await after?.(first);
    first += messages;
    return { figures, cpuMs: used };
  };
  // All have run before they are measured.
  for (const one of contenders) await round(one);
  for (const one of contenders) await round(one);
  for (let i = 0; i < rounds; i += 1) {
    for (const one of i % 2 === 0 ? contenders : contenders.toReversed()) {
      one.rounds.push(await round(one));
    }
  }
  // The answers when there is a pause between the messages, as even a burst has.
  const calm = {
    socket: ours.socket,
    connections,
    messages: CALM_MESSAGES,
    first,
    intervalUs: CALM_US,
    each: values.each,
    to: TO,
  };
  const { seconds, p50Ms, p99Ms, p999Ms, mostMs } = await load.run(calm);
  const against = (one: Contender): Spread => ratios(perSecond(one), perSecond(noop));
  return {
    bench: 'milter',
    machine: about,
    rounds,
    messages,
    connections,
    newConnectionEach: values.each,
    limits: values.limits,
    store: values.store,
    negotiated,
    noop: side(noop),
    milterAlone: { ...side(bare), speedAgainstNoop: against(bare) },
    postpace: { ...side(ours), speedAgainstNoop: against(ours) },
    postpaceCalm: {
      messagesPerSecond: rounded(CALM_MESSAGES / seconds),
      endOfMessageMs: { p50: p50Ms, p99: p99Ms, p999: p999Ms, most: mostMs },
    },
    wanted: { speedAgainstNoop: 'at least 0.8', endOfMessageP99Ms: 'below 2' },
  };
}

async function startBare(): Promise<{ readonly socket: string; readonly pid: number }> {
  const socket = workshop.path('bare.sock');
  const program = fileURLToPath(new URL('rig/bare-milter.js', import.meta.url));
  const pid = await workshop.start([process.execPath, program, socket], socket);
  return { socket, pid };
}

/** The outcomes of a round, in the log: nothing stays under way for ever. */
async function land(first: number): Promise<void> {
  await logDelivered(postfix.logFile, first, messages, TO);
  const landed = async (): Promise<boolean> =>
    (await postpace.control.status(domainOf(TO.count - 1))).providers[0]?.inFlight === 0;
  await waitFor(landed, { what: 'the outcomes to be read', everyMs: 100 });
}

function perSecond(one: Contender): readonly number[] {
  return one.rounds.map(({ figures }) => figures.messages / figures.seconds);
}

function side(one: Contender): object {
  const figure = (name: keyof LoadFigures): number =>
    rounded(median(one.rounds.map(({ figures }) => figures[name])));
  const cpu = median(one.rounds.map((round) => round.cpuMs));
  return {
    messagesPerSecond: spread(perSecond(one)),
    endOfMessageMs: {
      p50: figure('p50Ms'),
      p99: figure('p99Ms'),
      p999: figure('p999Ms'),
      most: figure('mostMs'),
    },
    cpuUsPerMessage: rounded((cpu * 1000) / messages),
  };
}
