/** Feedback beside pacing: reads each outcome, tells the learner, and says what holds now. */
import { deferralBlames } from '../feedback/deferral.ts';
import type { Classification, Classifier } from '../feedback/classify.ts';
import type { Learner, Room } from '../feedback/learner.ts';
import type { Done } from '../feedback/adjust.ts';
import { type Departure, fateOf, readOutcome, tellsOf } from '../feedback/outcome-reader.ts';
import type { SentBook } from '../feedback/sent-book.ts';
import { judgementOf } from '../feedback/weight.ts';
import type { Blame, Feedback } from '../pace/ports.ts';
import type { PaceLog } from '../pace/log.ts';
import type { DeliveryEvent } from '../postfix/event.ts';
import type { Store } from '../store/store.ts';
import type { Alerts } from './alerts.ts';
import { type FeedbackList, heardInLog } from './feedback-list.ts';
import { feedbackReport, type Reported } from './feedback-report.ts';
import { Reminders } from './reminders.ts';
import { TrialUsage } from './trial-usage.ts';

export interface FeedbackParts {
  readonly learner: Learner;
  readonly classifier: Classifier;
  readonly store: Store;
  readonly log: PaceLog;
  readonly sent: SentBook;
  readonly list: FeedbackList;
  readonly alerts: Alerts;
  readonly nowMs: () => number;
  /** false: outcomes are read and told, and move no limit. */
  readonly adjusts: () => boolean;
  /** How much faster than in life the controller's times go; 1 but for trials. */
  readonly scale: () => number;
  readonly ownAddresses: () => readonly string[];
  readonly onStoreTrouble: (error: unknown) => void;
  /** What the reply filter makes of blocks follows what is stopped. Never rejects. */
  readonly keepTables: () => Promise<void>;
}

/** What was delivered counts for the climb, and is told in one piece this often. */
const CREDIT_MS = 5000;
/** In a trial its hour may take no longer than that. */
const LEAST_CREDIT_MS = 100;

interface Credit {
  recipients: number;
  readonly first: Departure;
}

export class DaemonFeedback implements Feedback, Reported {
  readonly #parts: FeedbackParts;
  readonly #credits = new Map<string, Credit>();
  /** Recipients that a provider took since it last judged us; absent: not known. */
  readonly #since = new Map<string, number>();
  readonly #reminders: Reminders;
  readonly #trial = new TrialUsage();
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: FeedbackParts) {
    this.#parts = parts;
    this.#reminders = new Reminders(parts.log);
  }

  start(): void {
    const again = (): void => {
      const waitMs = Math.max(LEAST_CREDIT_MS, CREDIT_MS / this.#parts.scale());
      this.#timer = setTimeout(() => {
        void Promise.all(this.#payCredits());
        void this.#parts.learner.tidy();
        void this.#parts.sent.flush();
        again();
      }, waitMs);
    };
    again();
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    await Promise.all([...this.#payCredits(), this.#parts.sent.flush()]);
  }

  async read(): Promise<void> {
    await this.#parts.learner.read();
    void this.#parts.keepTables();
  }

  /** Never rejects. */
  keepTables(): Promise<void> {
    return this.#parts.keepTables();
  }

  factor(provider: string): number {
    return this.#parts.adjusts() ? this.#parts.learner.factor(provider) : 1;
  }

  places(provider: string): number {
    return this.#parts.adjusts() ? this.#parts.learner.places(provider) : Infinity;
  }

  room(provider: string): Room | undefined {
    return this.#parts.adjusts() ? this.#parts.learner.room(provider) : undefined;
  }

  report(provider: string): ReturnType<Reported['report']> {
    const { learner, store, nowMs } = this.#parts;
    return feedbackReport({ learner, feedback: this, store, nowMs: nowMs() }, provider);
  }

  providers(): Iterable<string> {
    return this.#parts.learner.providers();
  }

  reopen(provider: string, forget: boolean): Promise<void> {
    return this.#parts.learner.reopen(provider, forget);
  }

  async claim(provider: string, id: string): Promise<boolean> {
    // A probe must not be returned for the block that it asks about.
    await this.#parts.keepTables();
    return this.#parts.learner.claim(provider, id);
  }

  saw(
    event: DeliveryEvent,
    provider: string,
    departure: Departure,
    speaksFor: (tells: 'taken' | 'refused') => string,
  ): Blame {
    const { classifier, ownAddresses, scale } = this.#parts;
    if (scale() !== 1) this.#trial.add(provider, departure.leftMs, scale());
    const { classification, tells } = readOutcome(event, provider, classifier, ownAddresses());
    const fate = fateOf(event);
    this.#parts.sent.note(event.queueId, [event.recipient, event.origTo], { fate, ...departure });
    this.#parts.alerts.outcome(event, provider, classification);
    if (classification !== undefined) this.remind(event, provider, classification);
    let told: Promise<Done | undefined> | undefined;
    if (tells === 'taken') this.#taken(speaksFor('taken'), departure);
    else if (tells !== undefined && this.#parts.adjusts()) {
      // What says nothing is only of use to the provider whose probe it was.
      const about = tells === 'unclear' ? provider : speaksFor('refused');
      told = this.#tell(event.reply, about, departure, { tells, holdMs: classification?.holdMs });
    }
    if (classification !== undefined) {
      const counts = told !== undefined;
      void (told ?? Promise.resolve(undefined)).then((did) =>
        this.#parts.list.add(heardInLog(event, provider, classification, { did, counts })),
      );
    }
    return deferralBlames(event, classification);
  }

  /** A report about a message that was proven to be ours: it counts as a judgement. */
  async hear(provider: string, departure: Departure, reply: string): Promise<Done | undefined> {
    const { learner, store, onStoreTrouble, nowMs } = this.#parts;
    if (!this.#parts.adjusts()) return undefined;
    try {
      const event = judgementOf(departure, await store.usage(provider), nowMs());
      return await learner.tell(provider, event, reply);
    } catch (error) {
      onStoreTrouble(error);
      return undefined;
    }
  }

  /** An outcome as if the log had told it, where no log is followed. */
  attempt(
    provider: string,
    departure: Departure,
    classification: Classification,
    reply: string,
  ): Promise<Done | undefined> {
    const tells = tellsOf(classification);
    if (tells === 'taken') this.#taken(provider, departure);
    if (tells === 'taken' || tells === undefined || !this.#parts.adjusts()) {
      return Promise.resolve(undefined);
    }
    return this.#tell(reply, provider, departure, { tells, holdMs: classification.holdMs });
  }

  #taken(provider: string, departure: Departure): void {
    const since = this.#since.get(provider);
    if (since !== undefined) this.#since.set(provider, since + 1);
    const { learner } = this.#parts;
    const standing = learner.standing(provider);
    if (standing === undefined || departure.leftMs <= standing.sinceMs) return;
    if (standing.stop !== undefined) {
      void learner.tell(provider, { kind: 'taken', recipients: 1, ...departure }, 'taken');
      return;
    }
    const credit = this.#credits.get(provider);
    if (credit !== undefined) credit.recipients += 1;
    else this.#credits.set(provider, { recipients: 1, first: departure });
  }

  #payCredits(): Promise<unknown>[] {
    const due = [...this.#credits];
    this.#credits.clear();
    return due.map(([provider, { recipients, first }]) =>
      this.#parts.learner.tell(provider, { kind: 'taken', recipients, ...first }, 'delivered'),
    );
  }

  async #tell(
    reply: string,
    provider: string,
    departure: Departure,
    { tells, holdMs }: { readonly tells: string; readonly holdMs: number | undefined },
  ): Promise<Done | undefined> {
    const { learner, onStoreTrouble } = this.#parts;
    if (tells === 'unclear') {
      // Only a probe's outcome that says nothing is something.
      if (learner.standing(provider)?.stop === undefined) return undefined;
      return learner.tell(provider, { kind: 'unclear', ...departure }, reply);
    }
    try {
      if (tells === 'crowded') {
        const { inFlight } = await this.#parts.store.usage(provider);
        return await learner.tell(provider, { kind: 'crowded', inFlight, ...departure }, reply);
      }
      const { minute: sentPerMin, day } = await this.#trial.usage(
        provider,
        departure.leftMs,
        this.#parts,
      );
      if (tells === 'slow') {
        return await learner.tell(provider, { kind: 'slow', sentPerMin, ...departure }, reply);
      } else if (tells === 'blocked') {
        const blocked = { kind: 'blocked' as const, sentPerMin, ...departure };
        return await learner.tell(provider, holdMs ? { holdMs, ...blocked } : blocked, reply);
      } else {
        const deliveredSince = this.#since.get(provider) ?? 1;
        this.#since.set(provider, 0);
        const judged = { kind: 'judged' as const, sentPerMin, deliveredDay: day, deliveredSince };
        return await learner.tell(provider, { ...departure, ...judged }, reply);
      }
    } catch (error) {
      onStoreTrouble(error);
      return undefined;
    }
  }

  /** Says what slowing down does not help, and what is another's affair. */
  remind(
    event: Pick<DeliveryEvent, 'queueId' | 'reply'>,
    provider: string,
    classification: Classification,
  ): void {
    this.#reminders.remind(event, provider, classification, this.#parts.nowMs());
  }
}
