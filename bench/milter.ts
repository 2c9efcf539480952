/**
 * The milter alone: the real daemon, one process, memory store, under conversations that a C program
 * plays as fast as the answers come; against a C no-op milter that negotiates the same steps.
 * usage: node dist/bench/milter.js [--rounds N] [--messages N] [--connections N] [--each]
 * --each: a new connection for each message. Prints JSON.
 */
import { parseArgs } from 'node:util';
import { startPostfix } from '../lab/postfix.ts';
import { MILTER, startPostpace } from '../lab/postpace.ts';
import { waitFor } from '../lab/wait.ts';
import { cpuMs, machine, median, ratios, rounded, spread } from './rig/figures.ts';
import { openLoad, type LoadFigures } from './rig/load.ts';
import { sameSteps, startNoop } from './rig/noop.ts';
import { logDelivered } from './rig/outcome-lines.ts';
import { Workshop } from './rig/workshop.ts';

const TO = { base: 0, count: 1000 };
/** Limits as an installation has them, and so high that nothing is ever held. */
const LIMITS = {
  pace: '1000000/min',
  burst: 1000000,
  quotas: ['10000000/h', '100000000/day'],
  in_flight: 1000000,
};

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    messages: { type: 'string', default: '20000' },
    connections: { type: 'string', default: '8' },
    each: { type: 'boolean', default: false },
    limits: { type: 'boolean', default: true },
  },
  allowNegative: true,
});
const rounds = Number(values.rounds);
const messages = Number(values.messages);
const connections = Number(values.connections);

interface Round {
  readonly figures: LoadFigures;
  readonly cpuMs: number;
}

const about = machine();
const workshop = await Workshop.open();
const postfix = await startPostfix({ milters: MILTER });
const postpace = await startPostpace(postfix, {
  log_level: 'warn',
  default: values.limits ? LIMITS : { pace: 'none', in_flight: 'none' },
});
try {
  const ours = {
    socket: `${postfix.queueDirectory}/postpace/milter.sock`,
    pid: postpace.pid ?? 0,
  };
  const reference = await startNoop(workshop);
  const negotiated = await sameSteps(ours.socket, reference.socket);
  const load = await openLoad(workshop, 'smtp');
  let first = 1;

  const round = async ({ socket, pid }: typeof ours): Promise<Round> => {
    const before = cpuMs(pid);
    const figures = await load.run({
      socket,
      connections,
      messages,
      first,
      each: values.each,
      to: TO,
    });
    return { figures, cpuMs: cpuMs(pid) - before };
  };
  const landed = async (): Promise<boolean> =>
    (await postpace.control.status('d0000999.example')).providers[0]?.inFlight === 0;
  const ourRound = async (): Promise<Round> => {
    const done = await round(ours);
    if (done.figures.quarantined > 0) throw new Error('mail was held: not what is measured here');
    // Its outcomes, in the log, before the next round: nothing stays under way for ever.
    await logDelivered(postfix.logFile, first, messages, TO);
    first += messages;
    await waitFor(landed, { what: 'the outcomes to be read', everyMs: 100 });
    return done;
  };

  // Both have run before they are measured.
  await round(reference);
  await ourRound();
  const own: Round[] = [];
  const other: Round[] = [];
  for (let i = 0; i < rounds; i += 1) {
    if (i % 2 === 0) other.push(await round(reference));
    own.push(await ourRound());
    if (i % 2 === 1) other.push(await round(reference));
  }
  const perSecond = (all: readonly Round[]): number[] =>
    all.map(({ figures }) => figures.messages / figures.seconds);
  const figure = (all: readonly Round[], name: keyof LoadFigures): number =>
    rounded(median(all.map(({ figures }) => figures[name])));
  const side = (all: readonly Round[]) => ({
    messagesPerSecond: spread(perSecond(all)),
    endOfMessageMs: {
      p50: figure(all, 'p50Ms'),
      p99: figure(all, 'p99Ms'),
      p999: figure(all, 'p999Ms'),
      most: figure(all, 'mostMs'),
    },
    cpuUsPerMessage: rounded((median(all.map((one) => one.cpuMs)) * 1000) / messages),
  });
  const result = {
    bench: 'milter',
    machine: about,
    rounds,
    messages,
    connections,
    newConnectionEach: values.each,
    limits: values.limits,
    negotiated,
    postpace: side(own),
    noop: side(other),
    speedAgainstNoop: ratios(perSecond(own), perSecond(other)),
    wanted: { speedAgainstNoop: 'at least 0.8', endOfMessageP99Ms: 'below 2' },
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
} finally {
  await postpace.stop();
  await postfix.stop();
  await workshop.close();
}
