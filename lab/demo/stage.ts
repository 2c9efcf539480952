/** Everything that runs during the demo: the providers, Postfix and, unless left out, postpace. */
import { burst, type Sent } from '../client.ts';
import { startPostfix, type PrivatePostfix } from '../postfix.ts';
import { MILTER, startPostpace, type Postpace } from '../postpace.ts';
import { startSink, type Sink } from '../sink.ts';
import { CAST, members, minuteMs, temper } from './cast.ts';
import type { DemoOptions } from './options.ts';

/** The application; its bounces come to a mailbox that nobody reads. */
export const SENDER = 'mattermost@lab.test';

export class Stage {
  readonly options: DemoOptions;
  /** How long a minute of the limits takes here. */
  readonly windowMs: number;
  readonly sinks: ReadonlyMap<string, Sink>;
  readonly postfix: PrivatePostfix;
  /** undefined: without. */
  readonly postpace: Postpace | undefined;
  readonly sent: Sent[] = [];

  private constructor(
    options: DemoOptions,
    sinks: ReadonlyMap<string, Sink>,
    postfix: PrivatePostfix,
    postpace: Postpace | undefined,
  ) {
    this.options = options;
    this.windowMs = minuteMs(options.mails);
    this.sinks = sinks;
    this.postfix = postfix;
    this.postpace = postpace;
  }

  /** Rejects when something can't be started; nothing of it runs then. */
  static async build(options: DemoOptions): Promise<Stage> {
    const windowMs = minuteMs(options.mails);
    const sinks = new Map<string, Sink>();
    let postfix: PrivatePostfix | undefined;
    try {
      const routes: Record<string, number> = {};
      for (const role of CAST) {
        const sink = await startSink({ name: `mx.${role.id}.test`, rule: temper(role, windowMs) });
        sinks.set(role.id, sink);
        for (const domain of role.domains) routes[domain] = sink.port;
      }
      if (options.without)
        return new Stage(options, sinks, await startPostfix({ routes }), undefined);
      postfix = await startPostfix({ routes, milters: MILTER });
      const postpace = await startPostpace(postfix, { providers: limits(windowMs) });
      return new Stage(options, sinks, postfix, postpace);
    } catch (error) {
      await postfix?.stop();
      for (const sink of sinks.values()) await sink.close();
      throw error;
    }
  }

  /** The `@all`: one connection each, a hundred at once. Resolves when the application is done. */
  async sendAll(): Promise<void> {
    const all = members(this.options.mails);
    await burst({
      port: this.postfix.port,
      mails: all.length,
      connections: 100,
      from: SENDER,
      to: (index) => all[index] ?? '',
      onSent: (sent) => this.sent.push(sent),
    });
  }

  async stop(): Promise<void> {
    await this.postpace?.stop();
    await this.postfix.stop();
    for (const sink of this.sinks.values()) await sink.close();
  }
}

function limits(windowMs: number): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    CAST.map(({ id, domains, perMinute, burst: back, inFlight }) => [
      id,
      {
        domains,
        pace: `${perMinute}/${windowMs}ms`,
        burst: back,
        quotas: [],
        in_flight: inFlight,
      },
    ]),
  );
}
