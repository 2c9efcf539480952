/**
 * The Postfix log on its way in: each event goes to the evidence and to the outcomes, and the place
 * behind it is written down once it was dealt with, so that a restart goes on there.
 */
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import type { LogEvent } from '../postfix/event.ts';
import {
  type Followed,
  type FollowSettings,
  type FollowState,
  LOOK_BACK,
  type LogCursor,
  type LogFollower,
} from '../postfix/follow.ts';
import type { Clock } from '../pace/clock.ts';
import { type PaceLog, reasonOf } from '../pace/log.ts';
import { LogPosition } from './log-position.ts';
import type { DaemonClock } from './time.ts';

export interface IntakeParts {
  readonly stateDir: string;
  readonly clock: Clock & Pick<DaemonClock, 'aheadMs'>;
  readonly log: PaceLog;
  readonly open: (settings: FollowSettings) => LogFollower;
  /** Every event, history too: why a message is held. */
  readonly evidence: (event: LogEvent) => void;
  /** What `news` of these will have to look up: asked for together. Undefined: nothing. */
  readonly ahead: (events: readonly LogEvent[]) => Promise<void> | undefined;
  /** Events that came since the last run. Undefined: dealt with at once, as nearly all are. */
  readonly news: (event: LogEvent) => Promise<void> | undefined;
  /** Writes down what news left to be kept: the place behind it is not saved before. Never rejects. */
  readonly keep: () => Promise<void>;
}

const SAVE_EVERY_MS = 1000;
/** Other work, verdicts above all, gets its turn after so long, looked at every few events. */
const TURN_MS = 1;
const FEW = 8;
/** What can't be read at the start is waited for no longer. */
const UNREADABLE_MS = 2000;

export class Intake {
  readonly #parts: IntakeParts;
  readonly #position: LogPosition;
  #follower: LogFollower | undefined;
  #cursor: LogCursor | undefined;
  /** The last that was dealt with: the cursor is behind it. */
  #last: Followed | undefined;
  /** Why it is followed no more. */
  #ended: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #done: Promise<void> = Promise.resolve();

  constructor(parts: IntakeParts) {
    this.#parts = parts;
    this.#position = new LogPosition(parts.stateDir);
  }

  state(): FollowState | undefined {
    const state = this.#follower?.state();
    return state && { ...state, trouble: this.#ended ?? state.trouble };
  }

  async start(): Promise<void> {
    const { open, clock, log } = this.#parts;
    this.#cursor = await this.#position.read((text) =>
      log.warn({}, `${text}: reading the log anew`),
    );
    this.#follower = open({
      cursor: this.#cursor,
      lookBack: LOOK_BACK,
      now: () => clock.nowMs(),
      aheadMs: () => clock.aheadMs(),
    });
    this.#timer = setInterval(() => void this.#save(), SAVE_EVERY_MS);
    this.#done = this.#run(this.#follower);
  }

  /**
   * Whether what was in the log at the start has been read; waits that long for it at most, and not
   * for a log that can't be read.
   */
  async caughtUp(withinMs: number): Promise<boolean> {
    const startedMs = this.#parts.clock.nowMs();
    for (;;) {
      const state = this.state();
      if (state?.caughtUp === true) return true;
      const waitedMs = this.#parts.clock.nowMs() - startedMs;
      if (waitedMs >= withinMs) return false;
      if (state?.trouble !== undefined && waitedMs >= UNREADABLE_MS) return false;
      await sleep(20);
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#follower?.close();
    await this.#done;
    await this.#save();
  }

  async #save(): Promise<void> {
    const cursor = this.#last?.cursor ?? this.#cursor;
    this.#cursor = cursor;
    this.#last = undefined;
    await this.#parts.keep();
    await this.#position.save(cursor);
  }

  async #run(follower: LogFollower): Promise<void> {
    let count = 0;
    let begunMs = performance.now();
    try {
      for await (const piece of follower) {
        const news = piece.filter(({ history }) => !history);
        const ahead = this.#parts.ahead(news.map(({ event }) => event));
        if (ahead !== undefined) await ahead;
        for (const followed of piece) {
          this.#parts.evidence(followed.event);
          const seen = followed.history ? undefined : this.#parts.news(followed.event);
          if (seen !== undefined) await seen;
          this.#last = followed;
          if (++count % FEW !== 0 || performance.now() < begunMs + TURN_MS) continue;
          await setImmediate();
          begunMs = performance.now();
        }
      }
    } catch (error) {
      this.#ended = `no longer followed: ${reasonOf(error)}`;
      this.#parts.log.error({ error: reasonOf(error) }, 'the Postfix log is no longer followed');
    }
  }
}
