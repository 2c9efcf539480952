/** Pacing as a daemon uses it: loaded, started, fed with the log, compared with the queue, stopped. */
import type { DeliveryEvent, LogEvent } from '../postfix/event.ts';
import { openAt } from './flights.ts';
import { EVERY } from './gate.ts';
import { readInherited } from './inherit.ts';
import { reasonOf } from './log.ts';
import { type PacerParts, type Pacing, wirePacing } from './wire.ts';

/** The shelf is looked at, and the book tidied, this often. */
const TICK_MS = 500;
/** What is in doubt is settled by a listing after this: a file may be on its way still. */
const DOUBT_MS = 1500;

export class Pacer {
  /** The parts, for reports and for the operator. */
  readonly is: Pacing;
  readonly #parts: PacerParts;
  #tick: NodeJS.Timeout | undefined;
  #doubtTimer: NodeJS.Timeout | undefined;
  #storeTrouble: string | undefined;
  #reconcileTrouble: string | undefined;
  #inherited = false;
  /** What was decided, asked for by all who heard of a change in this turn. */
  #reading: Promise<unknown> | undefined;
  #undo: (() => void) | undefined;

  constructor(parts: PacerParts) {
    this.#parts = parts;
    this.is = wirePacing(parts, {
      onStore: (error) => this.#onStore(error),
      onDoubt: () => this.#doubt(),
    });
  }

  /** What went wrong last with the store, the helpers or the listing. */
  get troubles(): readonly string[] {
    const named = [
      ['store', this.#storeTrouble],
      ['release helper', this.is.departures.trouble],
      ['queue listing', this.#reconcileTrouble],
    ] as const;
    return named.flatMap(([what, text]) => (text === undefined ? [] : [`${what}: ${text}`]));
  }

  /** Sentences an administrator should act on, beside the troubles. */
  warnings(): readonly string[] {
    const { maxHold, reconcile, outcomes } = this.is;
    const { overdue, near } = maxHold.counts;
    const others = [...reconcile.others.values()];
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
      ...(outcomes.bypassed > 0
        ? [`${outcomes.bypassed} recipient(s) left without passing the milter`]
        : []),
    ];
  }

  /** Older mail is in its lanes when this settles: fresh mail may be asked about from then on. */
  async load(): Promise<void> {
    await Promise.all([this.is.gate.readControls(), this.#parts.feedback.read()]);
    this.#undo = this.#parts.store.onChange((provider, what) => {
      if (what === 'place') this.#wake(provider);
      else void this.#changed(provider);
    });
    this.is.desk.load();
  }

  start(): void {
    this.is.scheduler.start();
    this.#tick = setInterval(() => {
      this.is.desk.unshelve();
      void this.#parts.book.tidy();
    }, TICK_MS);
  }

  /** Nothing is charged or released after this. */
  stop(): void {
    clearInterval(this.#tick);
    clearTimeout(this.#doubtTimer);
    this.#undo?.();
    this.is.scheduler.stop();
    this.is.rehold.stop();
  }

  /** Where the last run's mail is now; to be asked before anything is released. Never rejects. */
  inherit(): Promise<boolean> {
    return this.#listing(() => this.#inherit());
  }

  /** Compares with the real queue. Says whether it could; never rejects. */
  compare(): Promise<boolean> {
    const { maxHold, reconcile } = this.is;
    return this.#listing(async () => {
      await this.#inherit();
      maxHold.begin();
      await reconcile.run();
      maxHold.end();
    });
  }

  async #inherit(): Promise<void> {
    const { flights, desk, rehold } = this.is;
    if (this.#inherited) return;
    await readInherited(this.#parts, flights, desk, rehold);
    this.#inherited = true;
  }

  async #listing(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
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

  /**
   * What the log says, in order: nothing is acted upon before it is known who stays here. Undefined:
   * it was dealt with at once.
   */
  see(event: LogEvent): Promise<void> | undefined {
    const asked = this.prepare([event]);
    if (asked !== undefined) return asked.then(() => this.is.outcomes.see(event));
    this.is.outcomes.see(event);
    return undefined;
  }

  /** What `see` of these events looks up first, all at once: each takes its time. */
  prepare(events: readonly LogEvent[]): Promise<void> | undefined {
    const recipients = events.flatMap((event) =>
      event.kind === 'delivery' && this.#mustKnow(event) ? [event.recipient] : [],
    );
    return recipients.length === 0 ? undefined : this.#parts.settings.prepare(recipients);
  }

  /** Not where it was known when the message was let go: a process for each delivery is too much. */
  #mustKnow({ queueId, program, status, origTo, recipient }: DeliveryEvent): boolean {
    const flight = this.is.flights.get(queueId);
    if (flight === undefined) return program === 'smtp';
    return status === 'deferred' || openAt(flight, [origTo, recipient]) === undefined;
  }

  async #changed(provider: string): Promise<void> {
    const { gate, scheduler, door } = this.is;
    const before = JSON.stringify(gate.controls.get(provider));
    try {
      this.#reading ??= Promise.resolve().then(() => {
        this.#reading = undefined;
        return Promise.all([gate.readControls(), this.#parts.feedback.read()]);
      });
      await this.#reading;
    } catch (error) {
      this.#onStore(error);
    }
    if (provider === EVERY) {
      scheduler.wakeAll();
      door.wakeAll();
      return;
    }
    if (before === JSON.stringify(gate.controls.get(provider))) {
      this.#wake(provider);
      return;
    }
    scheduler.reopen(provider);
    door.wake(provider);
  }

  #wake(provider: string): void {
    this.is.scheduler.wake(provider);
    this.is.door.wake(provider);
  }

  #doubt(): void {
    clearTimeout(this.#doubtTimer);
    this.#doubtTimer = setTimeout(() => void this.#settleDoubts(), DOUBT_MS);
  }

  async #settleDoubts(): Promise<void> {
    await this.compare();
    if (this.is.departures.doubtful.size > 0) this.#doubt();
  }

  #onStore(error: unknown): void {
    if (error === undefined) {
      this.#storeTrouble = undefined;
      return;
    }
    const text = reasonOf(error);
    if (this.#storeTrouble === undefined) this.#parts.log.error({ error: text }, 'the store fails');
    this.#storeTrouble = text;
  }
}
