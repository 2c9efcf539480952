/**
 * The releaser: out of hold and awake, back to hold, or returned as expired. What is asked for while
 * a batch is under way goes together in the next one: one talk with postsuper, one wake-up.
 */
import type { ReleaseOutcome, Releaser } from '../pace/ports.ts';
import type { Helper } from './helper-channel.ts';
import { Postsuper } from './postsuper.ts';
import { reachQueueManager, type Waker, wake } from './wake.ts';

export interface ReleaserSettings extends Waker {
  /** `postsuper -H -` */
  readonly release: Helper;
  /** `postsuper -h - deferred` */
  readonly hold: Helper;
  /** `postsuper -f -` */
  readonly expire?: Helper;
  /** Told when released mail could not be woken. */
  readonly onLate: (error: Error, queueIds: readonly string[]) => void;
}

interface Request {
  readonly queueId: string;
  readonly wasDeferred: boolean;
}

interface Caller {
  readonly requests: readonly Request[];
  readonly resolve: (outcome: ReleaseOutcome) => void;
  readonly reject: (error: unknown) => void;
}

/** Collects what is asked for while a batch runs, and runs it as the next one. */
class Batches {
  readonly #run: (requests: readonly Request[]) => Promise<ReleaseOutcome>;
  #waiting: Caller[] = [];
  #busy = false;

  constructor(run: (requests: readonly Request[]) => Promise<ReleaseOutcome>) {
    this.#run = run;
  }

  add(requests: readonly Request[]): Promise<ReleaseOutcome> {
    if (requests.length === 0) return Promise.resolve({ confirmed: [], unconfirmed: [] });
    return new Promise((resolve, reject) => {
      this.#waiting.push({ requests, resolve, reject });
      if (!this.#busy) void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    // What is due in the same turn of the event loop belongs to this batch too.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const callers = this.#waiting;
      this.#waiting = [];
      try {
        const { confirmed } = await this.#run(callers.flatMap((caller) => caller.requests));
        const done = new Set(confirmed);
        for (const caller of callers) {
          const ids = caller.requests.map((request) => request.queueId);
          caller.resolve({
            confirmed: ids.filter((id) => done.has(id)),
            unconfirmed: ids.filter((id) => !done.has(id)),
          });
        }
      } catch (error) {
        for (const caller of callers) caller.reject(error);
      }
    }
    this.#busy = false;
  }
}

export class PostfixReleaser implements Releaser {
  readonly expire?: (queueIds: readonly string[]) => Promise<ReleaseOutcome>;
  readonly #settings: ReleaserSettings;
  readonly #helpers: readonly Postsuper[];
  readonly #releases: Batches;
  readonly #holds: Batches;

  constructor(settings: ReleaserSettings) {
    this.#settings = settings;
    const release = new Postsuper(settings.release, 'released from hold');
    const hold = new Postsuper(settings.hold, 'placed on hold');
    const helpers = [release, hold];
    this.#releases = new Batches((requests) => this.#releaseAndWake(release, requests));
    this.#holds = new Batches((requests) => hold.run(requests.map((request) => request.queueId)));
    if (settings.expire !== undefined) {
      const expire = new Postsuper(settings.expire, 'released from hold');
      const batches = new Batches((requests) => this.#releaseAndWake(expire, requests));
      this.expire = (queueIds) => batches.add(asRequests(queueIds, true));
      helpers.push(expire);
    }
    this.#helpers = helpers;
  }

  release(messages: readonly Request[]): Promise<ReleaseOutcome> {
    return this.#releases.add(messages);
  }

  hold(queueIds: readonly string[]): Promise<ReleaseOutcome> {
    return this.#holds.add(asRequests(queueIds, false));
  }

  /** Ends the helpers, after what is under way. */
  async close(): Promise<void> {
    await Promise.all(this.#helpers.map((helper) => helper.close()));
  }

  async #releaseAndWake(helper: Postsuper, requests: readonly Request[]): Promise<ReleaseOutcome> {
    // Released while Postfix is down, mail would leave as one burst when it starts.
    await reachQueueManager(this.#settings);
    const outcome = await helper.run(requests.map((request) => request.queueId));
    const released = new Set(outcome.confirmed);
    const awake = requests.filter((request) => released.has(request.queueId));
    try {
      if (awake.length > 0) await wake(this.#settings, awake);
      return outcome;
    } catch (error) {
      const late = error instanceof Error ? error : new Error(String(error));
      this.#settings.onLate(late, [...released]);
      // Not under way yet, and at a queue run it would go at nobody's pace: the listing decides.
      return { confirmed: [], unconfirmed: [...outcome.unconfirmed, ...released] };
    }
  }
}

function asRequests(queueIds: readonly string[], wasDeferred: boolean): readonly Request[] {
  return queueIds.map((queueId) => ({ queueId, wasDeferred }));
}
