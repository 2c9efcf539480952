/** All of pacing put together: what a daemon gives and gets. Nothing here knows a socket. */
import type { Limits } from '../limit/limits.ts';
import type { LogEvent } from '../postfix/event.ts';
import type { Store } from '../store/store.ts';
import { audienceOf, type Target } from './audience.ts';
import type { Clock } from './clock.ts';
import { Departures } from './departures.ts';
import { Desk } from './desk.ts';
import { Flights } from './flights.ts';
import { EVERY, Gate } from './gate.ts';
import type { Backoff } from './health.ts';
import type { HeldBook } from './held-book.ts';
import type { HeldRecord, Item } from './item.ts';
import { readInherited } from './inherit.ts';
import { type PaceLog, reasonOf } from './log.ts';
import { MaxHold, type MaxHoldAction } from './max-hold.ts';
import { Outcomes } from './outcomes.ts';
import { Patients } from './patients.ts';
import type { HoldQueue, Releaser } from './ports.ts';
import { type Ownership, Reconcile } from './reconcile.ts';
import { Rehold } from './rehold.ts';
import { Scheduler } from './scheduler.ts';
import { Verdicts } from './verdict.ts';

/** What the configuration says, as of now: asked anew each time, so that a reload needs no more. */
export interface PaceSettings {
  readonly limitsOf: (provider: string) => Limits;
  /** undefined: the recipient stays on this machine. */
  readonly targetOf: (recipient: string) => Target | undefined;
  /** Looks up what targetOf needs to know of recipients that no milter saw. Never rejects. */
  readonly prepare: (recipients: readonly string[]) => Promise<void>;
  readonly laneOf: (sender: string) => string;
  /** 0 for the best, and for a lane that no longer exists the default one's. */
  readonly laneIndex: (lane: string) => number;
  readonly bestLane: () => string;
  readonly backoff: () => Backoff;
  readonly maxHoldMs: (lane: string) => number;
  readonly onMaxHold: () => MaxHoldAction;
  readonly adoptAll: () => boolean;
  readonly outcomesSeen: () => boolean;
}

export interface PacerParts {
  readonly clock: Clock;
  readonly host: string;
  readonly store: Store;
  readonly book: HeldBook;
  readonly queue: HoldQueue;
  readonly releaser: Releaser;
  readonly ownerOf: Ownership;
  readonly settings: PaceSettings;
  readonly log: PaceLog;
}

/** The shelf is looked at, and the book tidied, this often. */
const TICK_MS = 500;
/** What is in doubt is settled by a listing after this: a file may be on its way still. */
const DOUBT_MS = 1500;

export class Pacer {
  readonly flights = new Flights();
  readonly patients: Patients;
  readonly gate: Gate;
  readonly scheduler: Scheduler;
  readonly desk: Desk;
  readonly departures: Departures;
  readonly rehold: Rehold;
  readonly outcomes: Outcomes;
  readonly maxHold: MaxHold;
  readonly reconcile: Reconcile;
  readonly verdicts: Verdicts;
  readonly #parts: PacerParts;
  #tick: NodeJS.Timeout | undefined;
  #doubtTimer: NodeJS.Timeout | undefined;
  #storeTrouble: string | undefined;
  #reconcileTrouble: string | undefined;
  #inherited = false;
  #undo: (() => void) | undefined;

  constructor(parts: PacerParts) {
    this.#parts = parts;
    const { clock, store, host, book, queue, releaser, ownerOf, settings, log } = parts;
    const { flights } = this;
    const openOf = (record: HeldRecord) => this.#openOf(record);
    const wake = (provider: string) => this.scheduler.wake(provider);
    this.patients = new Patients({ clock, backoff: settings.backoff, log });
    const { patients } = this;
    this.gate = new Gate({
      store,
      clock,
      limitsOf: settings.limitsOf,
      troubleOf: (provider) => patients.of(provider),
      outcomesSeen: settings.outcomesSeen,
    });
    const { gate } = this;
    this.scheduler = new Scheduler({
      clock,
      attempt: async (item) => {
        const attempt = await gate.attempt(item, true);
        this.#storeTrouble = undefined;
        return attempt;
      },
      limits: (provider) => gate.limits(provider),
      release: (item) => this.#release(item),
      onTrouble: (error) => this.#onStoreTrouble(error),
      announce: (provider, counts) => {
        store.announce(provider, counts).catch((error: unknown) => this.#onStoreTrouble(error));
      },
    });
    const { scheduler } = this;
    this.desk = new Desk({
      clock,
      host,
      book,
      scheduler,
      targetOf: settings.targetOf,
      laneIndex: settings.laneIndex,
      releaseNow: (record) => this.departures.leave(record),
    });
    const { desk } = this;
    this.departures = new Departures({
      clock,
      desk,
      flights,
      releaser,
      log,
      openOf,
      onDoubt: () => this.#doubt(),
      pause: (forMs) => scheduler.pause(clock.nowUs() + forMs * 1000),
    });
    const { departures } = this;
    this.rehold = new Rehold({
      clock,
      desk,
      flights,
      departures,
      releaser,
      backoff: settings.backoff,
      settle: (flight) => this.outcomes.settle(flight, flight.open.keys()),
      log,
    });
    const { rehold } = this;
    this.outcomes = new Outcomes({
      clock,
      store,
      desk,
      flights,
      departures,
      patients,
      rehold,
      log,
      targetOf: settings.targetOf,
      laneOf: settings.laneOf,
      openOf,
      demandOf: (share) => gate.demand(share, false),
      wake,
      onStoreTrouble: (error) => this.#onStoreTrouble(error),
    });
    const { outcomes } = this;
    this.maxHold = new MaxHold({
      clock,
      desk,
      departures,
      outcomes,
      releaser,
      log,
      maxHoldMs: settings.maxHoldMs,
      action: settings.onMaxHold,
      bestLane: settings.bestLane,
    });
    this.reconcile = new Reconcile({
      clock,
      queue,
      desk,
      flights,
      departures,
      rehold,
      outcomes,
      log,
      ownerOf,
      adoptAll: settings.adoptAll,
      targetOf: settings.targetOf,
      prepare: settings.prepare,
      laneOf: settings.laneOf,
      checkAge: (record) => this.maxHold.check(record),
    });
    this.verdicts = new Verdicts({
      clock,
      desk,
      flights,
      gate,
      scheduler,
      log,
      targetOf: settings.targetOf,
      laneOf: settings.laneOf,
      laneIndex: settings.laneIndex,
    });
  }

  /** What went wrong last with the store, the helpers or the listing; each undefined while well. */
  get troubles(): readonly string[] {
    const named = [
      ['store', this.#storeTrouble],
      ['release helper', this.departures.trouble],
      ['queue listing', this.#reconcileTrouble],
    ] as const;
    return named.flatMap(([what, text]) => (text === undefined ? [] : [`${what}: ${text}`]));
  }

  /** Sentences an administrator should act on, beside the troubles. */
  warnings(): readonly string[] {
    const { overdue, near } = this.maxHold.counts;
    const others = [...this.reconcile.others.values()];
    const unclaimed = others.filter(({ owner }) => owner === 'unclaimed').length;
    return [
      ...(overdue > 0 ? [`${overdue} message(s) are held for longer than max_hold`] : []),
      ...(near > 0 ? [`${near} message(s) come near max_hold`] : []),
      ...(unclaimed > 0
        ? [
            `${unclaimed} message(s) are in hold and the log does not tell why: ` +
              'see `postpace held list`, and `postpace held adopt` if they are ours',
          ]
        : []),
      ...(this.outcomes.bypassed > 0
        ? [`${this.outcomes.bypassed} recipient(s) left without passing the milter`]
        : []),
    ];
  }

  /** Older mail is in its lanes when this settles: fresh mail may be asked about from then on. */
  async load(): Promise<void> {
    const { store } = this.#parts;
    await this.gate.readControls();
    this.#undo = store.onChange((provider) => void this.#changed(provider));
    this.desk.load();
  }

  start(): void {
    this.scheduler.start();
    this.#tick = setInterval(() => {
      this.desk.unshelve();
      void this.#parts.book.tidy();
    }, TICK_MS);
  }

  /** Nothing is charged or released after this. */
  stop(): void {
    clearInterval(this.#tick);
    clearTimeout(this.#doubtTimer);
    this.#undo?.();
    this.scheduler.stop();
    this.rehold.stop();
  }

  /** Compares with the real queue. Says whether it could; never rejects. */
  async compare(): Promise<boolean> {
    try {
      if (!this.#inherited) {
        await readInherited(this.#parts, this.flights, this.desk, this.rehold);
        this.#inherited = true;
      }
      this.maxHold.begin();
      await this.reconcile.run();
      this.maxHold.end();
      this.#reconcileTrouble = undefined;
      return true;
    } catch (error) {
      const text = reasonOf(error);
      if (this.#reconcileTrouble === undefined) {
        this.#parts.log.error({ error: text }, 'the mail queue cannot be listed');
      }
      this.#reconcileTrouble = text;
      return false;
    }
  }

  /** What the log says, in order: nothing is acted upon before it is known who stays here. */
  async see(event: LogEvent): Promise<void> {
    if (event.kind === 'delivery') await this.#parts.settings.prepare([event.recipient]);
    this.outcomes.see(event);
  }

  async #changed(provider: string): Promise<void> {
    try {
      await this.gate.readControls();
    } catch (error) {
      this.#onStoreTrouble(error);
    }
    if (provider === EVERY) this.scheduler.wakeAll();
    else this.scheduler.wake(provider);
  }

  #release(item: Item): void {
    if (!item.observed) return this.departures.leave(item.record);
    const { queueId, heldMs } = item.record;
    const providers = item.shares.map(({ provider }) => provider);
    const waitedMs = Math.round(this.#parts.clock.nowMs() - heldMs);
    this.#parts.log.info({ queueId, providers, waitedMs }, 'would be released (observe)');
  }

  #openOf(record: HeldRecord): Map<string, Set<string>> {
    const { byProvider } = audienceOf(record.recipients, this.#parts.settings.targetOf);
    return new Map([...byProvider].map(([provider, some]) => [provider, new Set(some)]));
  }

  #doubt(): void {
    clearTimeout(this.#doubtTimer);
    this.#doubtTimer = setTimeout(() => void this.#settleDoubts(), DOUBT_MS);
  }

  async #settleDoubts(): Promise<void> {
    await this.compare();
    if (this.departures.doubtful.size > 0) this.#doubt();
  }

  #onStoreTrouble(error: unknown): void {
    const text = reasonOf(error);
    if (this.#storeTrouble === undefined) this.#parts.log.error({ error: text }, 'the store fails');
    this.#storeTrouble = text;
  }
}
