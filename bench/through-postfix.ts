/**
 * What postpace costs mail that passes: messages of one recipient through a private Postfix, each on
 * an SMTP connection of its own, timed from the first to the last acceptance. Against a C no-op
 * milter that negotiates the same steps, rspamd with its ratelimit module alone (where it is
 * installed), and no milter. Each has a Postfix of its own, with the discard transport.
 * usage: node dist/bench/through-postfix.js [--rounds N] [--messages N] [--sessions N] [--no-limits]
 *        [--store redis]
 * --store redis: postpace with a Redis of its own on loopback.
 * --no-limits: postpace with pace and in_flight none, in place of limits that are not reached.
 * Prints JSON.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type PrivatePostfix, startPostfix } from '../lab/postfix.ts';
import { startPostpace } from '../lab/postpace.ts';
import { command } from '../lab/process.ts';
import { cpuMs, machine, median, ratios, rounded, spread } from './rig/figures.ts';
import { sameSteps, startNoop } from './rig/noop.ts';
import { startRspamd } from './rig/rspamd.ts';
import { Workshop } from './rig/workshop.ts';
import { startRedis } from '../test/store/redis-servers.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    messages: { type: 'string', default: '1000' },
    sessions: { type: 'string', default: '8' },
    limits: { type: 'boolean', default: true },
    store: { type: 'string', default: 'memory' },
  },
  allowNegative: true,
});
const rounds = Number(values.rounds);
const messages = Number(values.messages);
const sessions = Number(values.sessions);

/** Rounds that are not counted. */
const WARM_UP = 2;

const LIMITS = {
  pace: '1000000/min',
  burst: 1000000,
  quotas: ['10000000/h', '100000000/day'],
  in_flight: 1000000,
};
const NO_LIMITS = { pace: 'none', in_flight: 'none' };

interface Contender {
  readonly name: string;
  readonly postfix: PrivatePostfix;
  /** Of the milter, where it is one process that we know. */
  readonly pid?: number;
  readonly seconds: number[];
  readonly cpu: number[];
}

const about = machine();
const workshop = await Workshop.open();
const ends: (() => Promise<void>)[] = [];
try {
  process.stdout.write(`${JSON.stringify(await measure())}\n`);
} finally {
  for (const end of ends.toReversed()) await end();
  await workshop.close();
}

async function measure(): Promise<object> {
  const noop = await startNoop(workshop);
  const rspamd = await startRspamd(workshop);
  const contenders: Contender[] = [];
  const add = async (
    name: string,
    milters: string | undefined,
    pid?: number,
  ): Promise<Contender> => {
    const postfix = await startPostfix({
      routes: { '*': 'discard:' },
      // The default action is tempfail: a milter that fails would be seen.
      ...(milters !== undefined && { milters }),
    });
    ends.push(() => postfix.stop());
    const one = { name, postfix, seconds: [], cpu: [], ...(pid !== undefined && { pid }) };
    contenders.push(one);
    return one;
  };
  await add('none', undefined);
  await add('noop', `unix:${noop.socket}`, noop.pid);
  if (rspamd !== undefined) await add('rspamd', `unix:${rspamd.socket}`);
  const ours = await withPostpace();
  contenders.push(ours.contender);
  const negotiated = await sameSteps(ours.socket, noop.socket);

  // A server has been up for long: its code is compiled, its caches are full.
  for (const one of contenders) await run(one, WARM_UP * messages);
  for (let round = 0; round < rounds; round += 1) {
    // There and back again, so that what warms up or fills is nobody's advantage.
    for (const one of round % 2 === 0 ? contenders : contenders.toReversed()) {
      const before = one.pid === undefined ? 0 : cpuMs(one.pid);
      one.seconds.push(await run(one, messages));
      if (one.pid !== undefined) one.cpu.push(cpuMs(one.pid) - before);
    }
  }
  const total = (rounds + WARM_UP) * messages;
  const { providers, held } = await ours.status();
  if (held !== 0 || providers !== total) {
    throw new Error(`postpace saw ${providers} of ${total} messages, and holds ${held}`);
  }
  const checks = await rspamd?.checks();
  if (checks !== undefined && checks < total) {
    throw new Error(`rspamd's ratelimit asked Redis ${checks} times for ${total} messages`);
  }
  const secondsOf = (name: string): readonly number[] =>
    contenders.find((one) => one.name === name)?.seconds ?? [];
  return {
    bench: 'through-postfix',
    machine: about,
    rounds,
    messages,
    sessions,
    limits: values.limits,
    store: values.store,
    negotiated,
    seconds: Object.fromEntries(contenders.map(({ name, seconds }) => [name, spread(seconds)])),
    milterCpuUsPerMessage: Object.fromEntries(
      contenders
        .filter(({ cpu }) => cpu.length > 0)
        .map(({ name, cpu }) => [name, rounded((median(cpu) * 1000) / messages)]),
    ),
    timeAgainstNoop: ratios(secondsOf('postpace'), secondsOf('noop')),
    ...(rspamd !== undefined && {
      speedAgainstRspamd: ratios(secondsOf('rspamd'), secondsOf('postpace')),
    }),
    wanted: { timeAgainstNoop: 'at most 1.05', speedAgainstRspamd: 'at least 1.8' },
  };
}

interface Ours {
  readonly contender: Contender;
  readonly socket: string;
  /** Messages counted by the store, and held ones. */
  readonly status: () => Promise<{ readonly providers: number; readonly held: number }>;
}

async function withPostpace(): Promise<Ours> {
  const postfix = await startPostfix({
    routes: { '*': 'discard:' },
    milters: 'unix:postpace/milter.sock',
  });
  ends.push(() => postfix.stop());
  const { configDirectory } = postfix;
  const redis = values.store === 'redis' ? await startRedis() : undefined;
  if (redis !== undefined) ends.push(() => redis.stop());
  const postpace = await startPostpace(postfix, {
    ...(redis && { store: `redis://127.0.0.1:${redis.port}` }),
    default: values.limits ? LIMITS : NO_LIMITS,
    postfix: {
      config_directory: configDirectory,
      release: ['postsuper', '-c', configDirectory, '-H', '-'],
      hold: ['postsuper', '-c', configDirectory, '-h', '-', 'deferred'],
      // Mail to discard is then mail that leaves: it is asked about, counted and followed.
      outbound_transports: ['smtp', 'discard'],
    },
  });
  ends.push(() => postpace.stop());
  const pid = postpace.pid ?? 0;
  return {
    contender: { name: 'postpace', postfix, pid, seconds: [], cpu: [] },
    socket: `${postfix.queueDirectory}/postpace/milter.sock`,
    status: async () => {
      const { held, providers } = await postpace.control.status();
      return { held: held.ours, providers: providers[0]?.sent.day ?? 0 };
    },
  };
}

/** Seconds until all are accepted. Returns when the queue is empty, and the machine is at rest. */
async function run({ postfix }: Contender, count: number): Promise<number> {
  const options = ['-s', sessions, '-m', count, '-f', 'app@lab.test', '-t', 'user@x.example'];
  const argv = ['smtp-source', ...options.map(String), `127.0.0.1:${postfix.port}`];
  const from = performance.now();
  const { code, stderr } = await command(argv);
  const seconds = (performance.now() - from) / 1000;
  if (code !== 0 || stderr !== '') throw new Error(`smtp-source: exit ${code}: ${stderr}`);
  await postfix.idle({ timeoutMs: 60_000 });
  await sleep(200);
  return seconds;
}
