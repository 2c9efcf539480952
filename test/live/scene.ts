/** The stage of a scenario: a private Postfix, postpace beside it, sinks that play the providers. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { burst, type Burst, type Sent } from '../../lab/client.ts';
import { account, type Account } from '../../lab/ledger.ts';
import { startPostfix, type PrivatePostfix } from '../../lab/postfix.ts';
import type { PostfixOptions } from '../../lab/postfix-files.ts';
import { MILTER, startPostpace, type Postpace } from '../../lab/postpace.ts';
import { startSink, type Delivery, type Sink, type SinkOptions } from '../../lab/sink.ts';
import { waitFor } from '../../lab/wait.ts';
import type { ProviderReport, StatusReport } from '../../src/control/api.ts';
import { decodeLine } from '../../src/store/line.ts';

export interface SceneOptions {
  /** A sink for each of these domains; every other domain is the sink `*`. */
  readonly sinks?: Readonly<Record<string, SinkOptions>>;
  /** What postpace.yaml says beside the places: default, providers, lanes, mode … */
  readonly config: Readonly<Record<string, unknown>>;
  readonly postfix?: PostfixOptions;
}

export interface LogLine {
  readonly msg: string;
  readonly queueId?: string;
  readonly provider?: string;
  readonly providers?: readonly string[];
}

export class Scene {
  readonly postfix: PrivatePostfix;
  readonly postpace: Postpace;
  readonly #sinks: ReadonlyMap<string, Sink>;
  readonly sent: Sent[] = [];

  constructor(postfix: PrivatePostfix, postpace: Postpace, sinks: ReadonlyMap<string, Sink>) {
    this.postfix = postfix;
    this.postpace = postpace;
    this.#sinks = sinks;
  }

  sink(domain = '*'): Sink {
    const sink = this.#sinks.get(domain);
    if (sink === undefined) throw new Error(`no sink plays ${domain}`);
    return sink;
  }

  /** What all sinks took. */
  get deliveries(): readonly Delivery[] {
    return [...this.#sinks.values()].flatMap(({ deliveries }) => deliveries);
  }

  /** An application's burst, kept for the account. */
  async burst(options: Omit<Burst, 'port'>): Promise<readonly Sent[]> {
    const sent = await burst({ port: this.postfix.port, ...options });
    this.sent.push(...sent);
    return sent;
  }

  /** Everything sent so far against everything that arrived. */
  account(): Account {
    return account(this.sent, this.deliveries);
  }

  status(): Promise<StatusReport> {
    return this.postpace.control.status();
  }

  /** One provider as status shows it. */
  async provider(name: string): Promise<ProviderReport> {
    const { providers } = await this.postpace.control.status(name);
    const [provider] = providers;
    if (provider === undefined) throw new Error(`status knows no ${name}`);
    return provider;
  }

  /** A verb of the command line that must succeed; its output. */
  async tell(...verb: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.postpace.cli(...verb);
    if (code !== 0) throw new Error(`postpace ${verb.join(' ')}: exit ${code}: ${stderr}`);
    return stdout;
  }

  /** Lines of the daemon's log with this message. */
  logged(message: string): readonly LogLine[] {
    return this.postpace.log
      .filter((line) => line.startsWith('{'))
      .map((line): unknown => JSON.parse(line))
      .filter(isLogLine)
      .filter(({ msg }) => msg === message);
  }

  /** Queue ids in hold, by what Postfix itself says. */
  async inHold(): Promise<readonly string[]> {
    const queue = await this.postfix.postqueue();
    return queue.filter((one) => one.queue_name === 'hold').map((one) => one.queue_id);
  }

  /** Waits for so many deliveries, at one domain's sink or at all of them. */
  async arrived(count: number, domain: string | undefined, timeoutMs: number): Promise<void> {
    const came = () =>
      domain === undefined ? this.deliveries.length : this.sink(domain).deliveries.length;
    const what = `${count} deliveries at ${domain ?? 'all sinks'}`;
    try {
      await waitFor(() => came() >= count, { timeoutMs, what });
    } catch (error) {
      throw new Error(`${what}: ${came()} came within ${timeoutMs} ms`, { cause: error });
    }
  }

  /** When each message was admitted, ms since the epoch with fractions, from the store's journal. */
  async admissions(provider: string): Promise<readonly { id: string; atMs: number }[]> {
    // The journal is written each second.
    await sleep(1500);
    const text = await readFile(join(this.postpace.stateDir, 'limits.journal'), 'utf8');
    const lines = text.split('\n').map(decodeLine);
    return lines.flatMap((line) =>
      line?.[0] === 'flight' && line[1] === provider ? [{ id: line[2], atMs: line[3] / 1000 }] : [],
    );
  }

  async stop(): Promise<void> {
    await this.postpace.stop();
    await this.postfix.stop();
    for (const sink of this.#sinks.values()) await sink.close();
  }
}

export async function startScene(options: SceneOptions): Promise<Scene> {
  const sinks = new Map<string, Sink>();
  for (const [domain, sink] of Object.entries({ '*': {}, ...options.sinks })) {
    sinks.set(domain, await startSink(sink));
  }
  const routes = Object.fromEntries([...sinks].map(([domain, { port }]) => [domain, port]));
  const postfix = await startPostfix({
    milters: MILTER,
    ...options.postfix,
    routes: { ...routes, ...options.postfix?.routes },
  });
  try {
    const postpace = await startPostpace(postfix, options.config);
    return new Scene(postfix, postpace, sinks);
  } catch (error) {
    await postfix.stop();
    for (const sink of sinks.values()) await sink.close();
    throw error;
  }
}

function isLogLine(line: unknown): line is LogLine {
  return typeof line === 'object' && line !== null && 'msg' in line;
}
