/**
 * A trial of the control: a provider with a hidden rule on real SMTP, a private Postfix, and beside it
 * postpace that learns, postpace with fixed limits, or nothing. Days pass in minutes: the windows of
 * everybody are shorter by the same factor.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { burst, type Sent } from '../client.ts';
import { account, type Account } from '../ledger.ts';
import { startPostfix, type PrivatePostfix } from '../postfix.ts';
import { MILTER, startPostpace, type Postpace } from '../postpace.ts';
import { startSink, type Rule, type Sink } from '../sink.ts';
import { nowMs } from '../wait.ts';
import { OWN_ADDRESS } from './providers.ts';

/** Who decides when mail goes: nobody, limits that stay, or limits that learn. */
export type Pacing = 'none' | 'fixed' | 'learning';

export interface TrialOptions {
  readonly pacing: Pacing;
  /** Name in the provider pack, whose domains these are. */
  readonly provider: string;
  readonly domain: string;
  readonly rule: Rule;
  /** How many times faster than in life. */
  readonly scale: number;
  /** Recipients a minute that the configuration allows. */
  readonly ceilingPerMin: number;
  readonly inFlight: number;
  readonly latencyMs?: number;
  /** A final refusal with this text is deferred: smtp_reply_filter. */
  readonly softened?: string;
  /** Keys of postpace.yaml beside those of the trial. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** What stands at a moment; rates in recipients a minute. */
export interface Sample {
  readonly atMs: number;
  readonly factor: number;
  readonly wallPerMin: number | undefined;
  readonly phase: string | undefined;
}

export const SENDER = 'mattermost@lab.test';
const TICK_MS = 250;

export class Trial {
  readonly options: TrialOptions;
  readonly minuteMs: number;
  readonly sink: Sink;
  readonly postfix: PrivatePostfix;
  readonly postpace: Postpace | undefined;
  readonly sent: Sent[] = [];
  readonly samples: Sample[] = [];

  constructor(
    options: TrialOptions,
    sink: Sink,
    postfix: PrivatePostfix,
    postpace: Postpace | undefined,
  ) {
    this.options = options;
    this.minuteMs = minuteMsOf(options.scale);
    this.sink = sink;
    this.postfix = postfix;
    this.postpace = postpace;
  }

  /** Sends so many mails as an application does, a recipient each; `to`: the mailbox of the n-th. */
  async send(mails: number, to = (index: number) => `member${index}`): Promise<void> {
    const before = this.sent.length;
    const sent = await burst({
      port: this.postfix.port,
      mails,
      connections: 10,
      from: SENDER,
      to: (index) => `${to(before + index)}@${this.options.domain}`,
    });
    this.sent.push(...sent);
  }

  /**
   * Lets so many minutes of the trial pass and looks at the limits as they do. `ahead`: so much mail
   * always waits, as from a sender that never stops.
   */
  async pass(minutes: number, ahead = 0): Promise<void> {
    const untilMs = nowMs() + minutes * this.minuteMs;
    while (nowMs() < untilMs) {
      await this.sample();
      const missing = this.sink.deliveries.length + ahead - this.sent.length;
      if (ahead > 0 && missing > 0) await this.send(missing);
      await sleep(Math.min(TICK_MS, Math.max(0, untilMs - nowMs())));
    }
  }

  /** Waits until the queue is empty; false: it was not within so many minutes of the trial. */
  async settles(minutes: number): Promise<boolean> {
    const untilMs = nowMs() + minutes * this.minuteMs;
    for (;;) {
      await this.sample();
      if ((await this.postfix.postqueue()).length === 0) return true;
      if (nowMs() > untilMs) return false;
      await sleep(1000);
    }
  }

  async sample(): Promise<void> {
    if (this.postpace === undefined) return;
    const { providers } = await this.postpace.control.status(this.options.provider);
    const [found] = providers;
    if (found === undefined) return;
    const { factor, feedback } = found;
    const wall = feedback?.wall ?? undefined;
    this.samples.push({
      atMs: nowMs(),
      factor,
      wallPerMin: wall === undefined ? undefined : Number.parseFloat(wall) / this.options.scale,
      phase: feedback?.phase,
    });
  }

  account(): Account {
    return account(this.sent, this.sink.deliveries);
  }

  /** When the provider said something that begins so. */
  said(reply: string): readonly number[] {
    return this.sink.refusals.filter((one) => one.reply === reply).map(({ atMs }) => atMs);
  }

  async stop(): Promise<void> {
    await this.postpace?.stop();
    await this.postfix.stop();
    await this.sink.close();
  }
}

/** How long a minute takes. */
export function minuteMsOf(scale: number): number {
  return 60_000 / scale;
}

/** Rejects when something can't be started; nothing of it runs then. */
export async function startTrial(options: TrialOptions): Promise<Trial> {
  const { pacing, domain, rule, latencyMs = 0, softened } = options;
  const sink = await startSink({ name: `mx.${domain}`, rule, latencyMs });
  let postfix: PrivatePostfix | undefined;
  try {
    postfix = await startPostfix({
      routes: { [domain]: sink.port },
      // Connections that are kept open for the next mail would count as well.
      main: {
        smtp_connection_cache_on_demand: 'no',
        ...(softened !== undefined && {
          smtp_reply_filter: 'regexp:${config_directory}/reply-filter',
        }),
      },
      ...(pacing !== 'none' && { milters: MILTER }),
    });
    if (softened !== undefined) await writeFilter(postfix, softened);
    const postpace =
      pacing === 'none' ? undefined : await startPostpace(postfix, configuration(options));
    return new Trial(options, sink, postfix, postpace);
  } catch (error) {
    await postfix?.stop();
    await sink.close();
    throw error;
  }
}

async function writeFilter(postfix: PrivatePostfix, text: string): Promise<void> {
  const filter = `/^550 (.*${text}.*)/ 450 4.7.1 [postpace 550] $1\n`;
  await writeFile(join(postfix.configDirectory, 'reply-filter'), filter);
}

function configuration(options: TrialOptions): Readonly<Record<string, unknown>> {
  const { pacing, provider, domain, scale, ceilingPerMin, inFlight, config } = options;
  const minuteMs = minuteMsOf(scale);
  const ms = (minutes: number) => `${(minutes * minuteMs).toFixed(3)}ms`;
  return {
    own_addresses: [OWN_ADDRESS],
    retry: { min: ms(1), max: ms(30) },
    feedback: { time_scale: scale, adjust: pacing === 'learning' ? 'on' : 'off' },
    providers: {
      [provider]: {
        domains: [domain],
        // A pace counts whole recipients: of a day.
        pace: `${Math.round(ceilingPerMin * 1440)}/${ms(1440)}`,
        burst: Math.max(1, Math.floor(ceilingPerMin / 10)),
        quotas: [],
        in_flight: inFlight,
      },
    },
    ...config,
  };
}
