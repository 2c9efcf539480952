/** Everything that runs in the daemon, opened, started and stopped in order. */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { showConfig } from '../config/show.ts';
import { ControlError } from '../control/api.ts';
import type { MilterOptions } from '../milter/options.ts';
import { createMilter, type Milter } from '../milter/server.ts';
import { HeldBook } from '../pace/held-book.ts';
import type { Pacer } from '../pace/pacer.ts';
import type { LogEvent } from '../postfix/event.ts';
import type { Store } from '../store/store.ts';
import { packageVersion } from '../version.ts';
import { openFeedbackMemory } from './feedback-memory.ts';
import { statusHeader } from './header.ts';
import { Intake } from './intake.ts';
import { createPacing, type PacingParts, type PostfixPacing } from './pacing.ts';
import { listenAddress, mailLog } from './places.ts';
import { Live } from './live.ts';
import { doorKeeper, isOurDoor, warnOfRefusals } from './door-keeper.ts';
import { canonicalProvider } from './provider-name.ts';
import { type Conversation, milterOptions, type Transaction } from './milter.ts';
import { openStore } from './open-store.ts';
import { StartError } from './start-error.ts';
import { Successors } from './successors.ts';
import { Target } from './target.ts';
import { daemonClock, type DaemonClock } from './time.ts';

/** How long the log's backlog is waited for before what is held is looked at without it. */
const CATCH_UP_MS = 30_000;

export class Service {
  readonly target: Target;
  readonly #log: Logger;
  readonly #load: () => Config;
  readonly #live: Live;
  readonly #store: Store;
  readonly #book: HeldBook;
  readonly #pacing: PostfixPacing;
  readonly #pacer: Pacer;
  readonly #milterOptions: () => MilterOptions<Conversation, Transaction>;
  readonly #milter: Milter;
  readonly #intake: Intake | undefined;
  readonly #logSource: string;
  readonly #successors = new Successors();
  readonly #startedAt: number;
  #reconcileTimer: NodeJS.Timeout | undefined;
  #stopping = false;
  #knowsLog = false;

  /** Rejects with StartError, StoreError or ControlError, each a sentence for the operator. */
  static async open(config: Config, log: Logger, load: () => Config): Promise<Service> {
    const clock = daemonClock();
    let intake: Intake | undefined;
    const live = await StartError.from(
      Live.read(config, {
        nowMs: () => clock.nowMs(),
        log,
        outcomesSeen: () => intake !== undefined && intake.state()?.trouble === undefined,
        onTrouble: (error) =>
          log.warn({ error: error.message }, 'a table of Postfix cannot be read'),
      }),
    );
    const book = StartError.wrap(
      () =>
        new HeldBook({
          stateDir: config.stateDir,
          onTrouble: (text) => log.warn({}, text),
        }),
    );
    const store = await openStore(config, {
      host: live.postfix.myhostname,
      env: process.env,
      onTrouble: (text) => log.warn({}, text),
      onNews: (text) => log.info({}, text),
    });
    const opened = await mailLog(config, live.postfix);
    const memory = await StartError.from(openFeedbackMemory(config, (text) => log.warn({}, text)));
    const service = new Service({ config, log, load, clock, live, book, store, opened, memory });
    intake = service.#intake;
    return service;
  }

  private constructor(
    parts: Omit<PacingParts, 'log' | 'followsLog' | 'knowsLog'> & {
      readonly log: Logger;
      readonly clock: DaemonClock;
      readonly load: () => Config;
      readonly opened: Awaited<ReturnType<typeof mailLog>>;
    },
  ) {
    const { config, log, clock, live, book, store, opened } = parts;
    this.#log = log;
    this.#load = parts.load;
    this.#live = live;
    this.#book = book;
    this.#store = store;
    this.#startedAt = Math.round(clock.nowMs());
    this.#logSource = opened?.source ?? 'none';
    const knowsLog = (): boolean => this.#knowsLog;
    this.#pacing = createPacing({ ...parts, followsLog: opened !== undefined, knowsLog });
    const { pacer, evidence, feedback, feedbackVerbs, sign } = this.#pacing;
    this.#pacer = pacer;
    this.#intake =
      opened &&
      new Intake({
        stateDir: config.stateDir,
        clock,
        log,
        open: opened.open,
        evidence: (event) => evidence.feed(event),
        ahead: (events) => pacer.prepare(events),
        news: (event) => this.#news(event),
        keep: () => feedback.kept(),
      });
    this.#milterOptions = () =>
      milterOptions({
        prepare: (destination, mailer) => live.lookUp(destination, mailer),
        leaves: (destination, mailer) => live.outbound.leaves(destination, mailer),
        headerNames: () => live.headerNames,
        settled: (destinations) => live.grouping.wait(destinations),
        decide: (message) => pacer.is.verdicts.decide(message),
        holdAnyway: (message, why) => pacer.is.verdicts.holdAnyway(message, why),
        ...(live.signs && { token: sign }),
        ...(live.refuses && { door: doorKeeper({ clock, live, pacer, store, log }) }),
        log,
      });
    this.#milter = createMilter(this.#milterOptions());
    this.target = new Target({
      clock,
      pacer,
      feedback,
      feedbackVerbs,
      store,
      log,
      resolution: (provider) => live.grouping.provider(provider),
      modeOf: (provider) => live.modeOf(provider),
      providersOf: (recipients, grouped) => live.providersOf(recipients, grouped),
      canonical: (provider) => canonicalProvider(live.grouping.resolver, provider),
      because: (recipient) => live.because(recipient),
      prepare: (recipients) => live.prepare(recipients),
      successors: (queueId) => this.#successors.of(queueId),
      named: () => live.config.providers.map(({ id }) => id),
      header: () =>
        statusHeader({
          config: live.config,
          postfix: live.postfix,
          startedAt: this.#startedAt,
          store,
          logSource: this.#logSource,
          logState: this.#intake?.state(),
          troubles: pacer.troubles,
          warnings: pacer.warnings(),
        }),
      config: () => showConfig(live.config),
      reload: () => this.reload(),
    });
  }

  /** Serves Postfix when this settles. */
  async start(): Promise<void> {
    warnOfRefusals(this.#live, this.#log);
    await this.#pacer.load();
    const address = StartError.wrap(() => listenAddress(this.#live.config.listen, process.env));
    if ('path' in address) {
      // Where `postfix configure` made the directory, or a package did, it is there already.
      await StartError.from(mkdir(dirname(address.path), { recursive: true, mode: 0o2750 }));
    }
    await StartError.from(this.#milter.listen(address));
    await this.#intake?.start();
    await this.#pacer.inherit();
    this.#pacer.start();
    this.#pacing.feedback.start();
    void this.#keepComparing();
  }

  /** What a log line at the start tells. */
  about(): object {
    const { config, postfix } = this.#live;
    return {
      version: packageVersion(),
      config: config.file ?? 'defaults',
      mode: config.mode,
      store: this.#store.kind,
      log: this.#logSource,
      postfix: postfix.mailVersion,
      held: this.#pacer.is.desk.size,
    };
  }

  /** Rejects with ControlError 400; the old configuration is then still in force. */
  async reload(): Promise<void> {
    try {
      await this.#live.replace(this.#load());
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      this.#log.error({ error: text }, 'not reloaded: the old configuration stays in force');
      throw new ControlError(400, text);
    }
    this.#log.level = this.#live.config.logLevel;
    this.#milter.replace(this.#milterOptions());
    await this.#pacing.feedback.keepTables();
    if (this.#knowsLog) await this.#pacing.imap.restart();
    warnOfRefusals(this.#live, this.#log);
    this.#pacer.is.desk.requeue();
    this.#pacer.is.scheduler.wakeAll();
    this.#log.info(this.about(), 'reloaded');
  }

  async stop(drainMs: number): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#reconcileTimer);
    // Conversations that are open get their verdicts; what is due meanwhile leaves.
    await this.#milter.drain(drainMs);
    this.#pacer.stop();
    await this.#pacing.releaser.close();
    await this.#pacing.imap.stop();
    await this.#intake?.stop();
    await this.#pacing.feedback.stop();
    await this.#store.close();
    this.#book.close();
  }

  async #keepComparing(): Promise<void> {
    if (this.#intake !== undefined && !(await this.#intake.caughtUp(CATCH_UP_MS))) {
      this.#log.warn({ source: this.#logSource }, 'the Postfix log cannot be read up to now');
    }
    // Not before: of mail that the log has yet to tell of, every report is about an unknown message.
    this.#knowsLog = true;
    if (!this.#stopping) this.#pacing.imap.start();
    const again = async (): Promise<void> => {
      if (this.#stopping) return;
      await this.#pacer.compare();
      this.#reconcileTimer = setTimeout(() => void again(), this.#live.config.reconcileMs);
    };
    await again();
  }

  #news(event: LogEvent): Promise<void> | undefined {
    if (event.kind === 'accepted' && event.origQueueId !== undefined) {
      this.#successors.add(event.origQueueId, event.queueId);
    }
    // What another instance sends to our own door is no delivery, and its 451 no deferral.
    if (event.kind === 'delivery' && isOurDoor(event.relay, this.#live.config)) {
      return Promise.resolve();
    }
    return this.#pacer.see(event);
  }
}
