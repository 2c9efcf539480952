/**
 * One postsuper mode behind a helper: queue ids in, the ids that it confirmed out. Its exit code is
 * 0 for released, missing and malformed ids alike, so only its line for an id counts. The helper
 * stays open between batches (starting postsuper costs some 50 ms, a line to a running one 2 ms)
 * and is closed when it has been idle.
 */
import type { ReleaseOutcome } from '../pace/ports.ts';
import { type Helper, type HelperChannel, helperName, openHelper } from './helper-channel.ts';
import { isQueueId } from './queue-id.ts';

/** Without a line for so long the helper is asked to finish: then silence means "not there". */
const QUIET_MS = 250;
/** Without a line for so long it is given up. */
const SILENT_MS = 2_000;
/** An unused helper is closed after this. */
const IDLE_MS = 10_000;
/** A helper is asked about at most this many ids at a time. */
const LARGEST_BATCH = 1_000;

/** `postsuper: ID: released from hold` */
const ANSWER = /(?:^|: )([0-9A-Za-z]{6,32}): (released from hold|placed on hold|expired)$/;
/** `postsuper: Released from hold: 3 messages`, the total at the end. */
const TOTAL = /: (?:Released from hold|Placed on hold|Force-expired): \d+ messages?$/;

interface Exchange {
  readonly confirmed: readonly string[];
  readonly missing: readonly string[];
  /** The helper has ended, or must not be used again. */
  readonly ended: boolean;
  /** Why it failed, in its own words. */
  readonly why: string | undefined;
}

export class Postsuper {
  readonly #helper: Helper;
  readonly #answer: string;
  #open: HelperChannel | undefined;
  #idle: NodeJS.Timeout | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /** `answer`: what the line of an id that was found says. */
  constructor(helper: Helper, answer: 'released from hold' | 'placed on hold') {
    this.#helper = helper;
    this.#answer = answer;
  }

  /**
   * Rejects when the helper can't be reached or does nothing at all. Batches follow one another.
   * Ids that can't be queue ids are never sent, and stay unconfirmed.
   */
  run(queueIds: readonly string[]): Promise<ReleaseOutcome> {
    const mine = this.#last.then(() => this.#runAll(queueIds));
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  async #runAll(queueIds: readonly string[]): Promise<ReleaseOutcome> {
    const confirmed: string[] = [];
    const unconfirmed = queueIds.filter((id) => !isQueueId(id));
    const good = [...new Set(queueIds.filter(isQueueId))];
    for (let at = 0; at < good.length; at += LARGEST_BATCH) {
      const part = good.slice(at, at + LARGEST_BATCH);
      try {
        // Each batch waits for the one before it: postsuper answers in order.
        const outcome = await this.#batch(part);
        confirmed.push(...outcome.confirmed);
        unconfirmed.push(...outcome.missing);
      } catch (error) {
        if (confirmed.length === 0) throw error;
        unconfirmed.push(...good.slice(at));
        break;
      }
    }
    return { confirmed, unconfirmed };
  }

  async #batch(ids: readonly string[]): Promise<Exchange> {
    clearTimeout(this.#idle);
    const reused = this.#open;
    const outcome = await this.#exchange(reused ?? (await openHelper(this.#helper)), ids);
    if (outcome.confirmed.length > 0 || !outcome.ended || outcome.why === undefined) return outcome;
    // A helper that was open since the last batch may just have been restarted: try a new one.
    const second =
      reused === undefined ? outcome : await this.#exchange(await openHelper(this.#helper), ids);
    if (second.confirmed.length === 0 && second.why !== undefined)
      throw new Error(`${helperName(this.#helper)}: ${second.why}`);
    return second;
  }

  async #exchange(channel: HelperChannel, ids: readonly string[]): Promise<Exchange> {
    const outcome = await exchange(channel, ids, this.#answer);
    if (outcome.ended) this.#open = undefined;
    else this.#keep(channel);
    return outcome;
  }

  #keep(channel: HelperChannel): void {
    this.#open = channel;
    const forget = () => {
      if (this.#open === channel) this.#open = undefined;
    };
    channel.listen(() => undefined, forget);
    this.#idle = setTimeout(() => {
      forget();
      channel.end();
    }, IDLE_MS);
    this.#idle.unref();
  }

  /** After the batches that are under way. */
  async close(): Promise<void> {
    await this.#last;
    clearTimeout(this.#idle);
    this.#open?.end();
    this.#open = undefined;
  }
}

/** One batch on an open channel. */
function exchange(
  channel: HelperChannel,
  ids: readonly string[],
  answer: string,
): Promise<Exchange> {
  return new Promise((resolve) => {
    const missing = new Set(ids);
    const confirmed: string[] = [];
    const said: string[] = [];
    let asked = false;
    const done = (ended: boolean, why: string | undefined) => {
      clearTimeout(quiet);
      clearTimeout(silent);
      channel.listen(
        () => undefined,
        () => undefined,
      );
      resolve({ confirmed, missing: [...missing], ended, why });
    };
    const silent = setTimeout(() => {
      channel.destroy();
      done(true, confirmed.length > 0 ? undefined : 'no answer within 2 s');
    }, SILENT_MS);
    const quiet = setTimeout(() => {
      asked = true;
      channel.end();
    }, QUIET_MS);
    channel.listen(
      (line) => {
        silent.refresh();
        if (!asked) quiet.refresh();
        const found = ANSWER.exec(line);
        if (found === null) {
          if (!TOTAL.test(line) && said.length < 5) said.push(line.slice(0, 300));
        } else if (found[2] === answer && missing.delete(found[1]!)) {
          confirmed.push(found[1]!);
          if (missing.size === 0) done(asked, undefined);
        }
      },
      // Ended in good order, it has read every id: those without a line are not in that queue.
      (why) => done(true, said.length > 0 ? said.join('; ') : why),
    );
    channel.send(ids.map((id) => `${id}\n`).join(''));
  });
}
