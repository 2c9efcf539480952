/** Two private instances, the second a gate as `postpace postfix gate` plans it, and sinks behind. */
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { burst, type Burst, type Sent } from '../../lab/client.ts';
import { account, type Account } from '../../lab/ledger.ts';
import { freePort } from '../../lab/port.ts';
import { startPostfix, type PrivatePostfix } from '../../lab/postfix.ts';
import { startPostpace, type Postpace } from '../../lab/postpace.ts';
import { startSink, type Sink } from '../../lab/sink.ts';
import { waitFor } from '../../lab/wait.ts';
import { parseRate } from '../../src/limit/rate.ts';
import { applyChanges } from '../../src/postfix/configure-apply.ts';
import { planGate } from '../../src/postfix/gate-plan.ts';
import { readInstance } from '../../src/postfix/instance.ts';
import { readPostfix } from '../../src/postfix/settings.ts';
import { decodeLine } from '../../src/store/line.ts';

export interface GateStage {
  readonly first: PrivatePostfix;
  readonly gate: PrivatePostfix;
  readonly postpace: Postpace;
  /** By domain. */
  readonly sinks: ReadonlyMap<string, Sink>;
  readonly sent: Sent[];
  /** How often the gate refused a recipient so far. */
  refusals(): Promise<number>;
  burst(options: Omit<Burst, 'port'>): Promise<readonly Sent[]>;
  times(domain: string): readonly number[];
  /** When the recipients of a domain were let in: exact, by the store's journal. */
  admissions(domain: string): Promise<readonly number[]>;
  arrived(domain: string, count: number, timeoutMs: number): Promise<void>;
  account(): Account;
  stop(): Promise<void>;
}

/** `paces`: domain -> pace of the provider that has it alone, burst 1; others are unlimited. */
export async function startGate(
  paces: Readonly<Record<string, string>>,
  unlisted: readonly string[],
): Promise<GateStage> {
  const sinks = new Map<string, Sink>();
  for (const domain of [...Object.keys(paces), ...unlisted]) sinks.set(domain, await startSink());
  const routes = Object.fromEntries([...sinks].map(([domain, { port }]) => [domain, port]));
  const first = await startPostfix();
  const gate = await startPostfix({ routes });
  const port = await freePort();
  const tablePath = join(first.configDirectory, 'postpace-gate-transport');
  const plan = planGate(
    await readInstance(first.configDirectory),
    await readInstance(gate.configDirectory),
    {
      providers: Object.entries(paces).map(([domain, text]) => {
        const pace = text === 'none' ? undefined : parseRate(text);
        const intervalUs = pace && pace.windowUs / pace.count;
        return { id: domain, domains: [domain], ...(intervalUs && { intervalUs }) };
      }),
      port,
      milter: 'unix:postpace/milter.sock',
      waitMs: 20_000,
      queueDirectory: gate.queueDirectory,
      dataDirectory: join(gate.directory, 'data'),
      tablePath,
      expanded: (await readPostfix(first.configDirectory)).main,
    },
  );
  await writeFile(tablePath, plan.table);
  await chmod(tablePath, 0o644);
  await applyChanges(gate.configDirectory, plan.second, 'gate');
  // The first instance has no routes here that the gate could have taken over.
  await gate.set({ transport_maps: `texthash:${gate.configDirectory}/transport` });
  await applyChanges(first.configDirectory, plan.first, 'gate');
  await first.set({
    minimal_backoff_time: '5s',
    maximal_backoff_time: '10s',
    queue_run_delay: '5s',
  });
  await gate.restart();
  await first.restart();
  const postpace = await startPostpace(gate, {
    mode: 'tempfail',
    tempfail: { ports: [port], wait: '20s' },
    feedback: { log: first.logFile },
    default: { pace: 'none', in_flight: 'none' },
    providers: Object.fromEntries(
      Object.entries(paces).map(([domain, pace]) => [
        domain,
        { pace, ...(pace !== 'none' && { burst: 1 }), in_flight: 100_000 },
      ]),
    ),
  });
  const sent: Sent[] = [];
  const sink = (domain: string): Sink => {
    const found = sinks.get(domain);
    if (found === undefined) throw new Error(`no sink plays ${domain}`);
    return found;
  };
  return {
    first,
    gate,
    postpace,
    sinks,
    sent,
    refusals: async () => ((await first.log()).match(/status=deferred/g) ?? []).length,
    burst: async (options) => {
      const results = await burst({ port: first.port, ...options });
      sent.push(...results);
      return results;
    },
    times: (domain) => sink(domain).deliveries.map(({ mailAtMs }) => mailAtMs),
    admissions: async (domain) => {
      // The journal is written each second.
      await sleep(1500);
      const text = await readFile(join(postpace.stateDir, 'limits.journal'), 'utf8');
      return text.split('\n').flatMap((row) => {
        const line = decodeLine(row);
        return line?.[0] === 'flight' && line[1] === domain ? [line[3] / 1000] : [];
      });
    },
    arrived: async (domain, count, timeoutMs) => {
      const came = () => sink(domain).deliveries.length;
      const what = `${count} deliveries at ${domain}`;
      await waitFor(() => came() >= count, { timeoutMs, what });
    },
    account: () =>
      account(
        sent,
        [...sinks.values()].flatMap(({ deliveries }) => deliveries),
      ),
    stop: async () => {
      await postpace.stop();
      await first.stop();
      await gate.stop();
      for (const each of sinks.values()) await each.close();
    },
  };
}

/** Longest time without a delivery between the first and the last. */
export function longestGapMs(timesMs: readonly number[]): number {
  const sorted = timesMs.toSorted((a, b) => a - b);
  return Math.max(0, ...sorted.slice(1).map((at, i) => at - (sorted[i] ?? at)));
}

/** How long the mail took from the application to the domain's sink, the slowest. */
export function slowestMs(
  stage: Pick<GateStage, 'sent' | 'sinks'>,
  domain: string,
  prefix = '',
): number {
  const started = new Map(stage.sent.map(({ serial, startedAtMs }) => [serial, startedAtMs]));
  const deliveries = stage.sinks.get(domain)?.deliveries ?? [];
  const some = deliveries.filter(({ serial }) => serial.startsWith(prefix));
  return Math.max(0, ...some.map(({ serial, atMs }) => atMs - (started.get(serial) ?? NaN)));
}
