/**
 * The Postfix log on its way in: each event goes to the evidence and to the outcomes, and the place
 * behind it is written down once it was dealt with, so that a restart goes on there.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogEvent } from '../postfix/event.ts';
import type { FollowSettings, FollowState, LogCursor, LogFollower } from '../postfix/follow.ts';
import { LOOK_BACK } from '../postfix/follow.ts';
import type { Clock } from '../pace/clock.ts';
import type { PaceLog } from '../pace/log.ts';

export interface IntakeParts {
  readonly stateDir: string;
  readonly clock: Clock;
  readonly log: PaceLog;
  readonly open: (settings: FollowSettings) => LogFollower;
  /** Every event, history too: why a message is held. */
  readonly evidence: (event: LogEvent) => void;
  /** Events that came since the last run. */
  readonly news: (event: LogEvent) => Promise<void>;
}

const NAME = 'log-position.json';
const SAVE_EVERY_MS = 1000;
/** Events dealt with in one go before other work gets its turn. */
const SLICE = 200;

export class Intake {
  readonly #parts: IntakeParts;
  readonly #path: string;
  #follower: LogFollower | undefined;
  #cursor: LogCursor | undefined;
  #saved: LogCursor | undefined;
  #timer: NodeJS.Timeout | undefined;
  #saving: Promise<void> = Promise.resolve();
  #done: Promise<void> = Promise.resolve();
  #caughtUp = false;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
    this.#path = join(parts.stateDir, NAME);
  }

  state(): FollowState | undefined {
    return this.#follower?.state();
  }

  async start(): Promise<void> {
    this.#cursor = await this.#read();
    this.#follower = this.#parts.open({
      cursor: this.#cursor,
      lookBack: LOOK_BACK,
      now: () => this.#parts.clock.nowMs(),
    });
    this.#timer = setInterval(() => void this.#save(), SAVE_EVERY_MS);
    this.#done = this.#run(this.#follower);
  }

  /** What was in the log at the start has been read, as far as can be told; waits that long at most. */
  async caughtUp(withinMs: number): Promise<boolean> {
    const until = performance.now() + withinMs;
    while (!this.#isCaughtUp() && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return this.#isCaughtUp();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#follower?.close();
    await this.#done;
    await this.#save();
  }

  #isCaughtUp(): boolean {
    if (this.#caughtUp) return true;
    const state = this.#follower?.state();
    if (state === undefined || state.trouble !== undefined) return false;
    // A journal does not say how far it is behind: a pause after its first event has to do.
    const behind = state.behindBytes ?? (state.lastEventMs === undefined ? 1 : 0);
    if (behind === 0 && this.#started) this.#caughtUp = true;
    return this.#caughtUp;
  }

  get #started(): boolean {
    return performance.now() - this.#startedAt > 250;
  }
  readonly #startedAt = performance.now();

  async #run(follower: LogFollower): Promise<void> {
    let count = 0;
    try {
      for await (const { event, cursor, history } of follower) {
        this.#parts.evidence(event);
        if (!history) await this.#parts.news(event);
        this.#cursor = cursor;
        if (++count % SLICE === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      this.#parts.log.error({ error: text }, 'the Postfix log is no longer followed');
    }
  }

  async #read(): Promise<LogCursor | undefined> {
    try {
      return JSON.parse(await readFile(this.#path, 'utf8')) as LogCursor;
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      const text = error instanceof Error ? error.message : String(error);
      this.#parts.log.warn({ error: text }, `${this.#path} is no log position: starting anew`);
      return undefined;
    }
  }

  #save(): Promise<void> {
    const cursor = this.#cursor;
    if (cursor === undefined || cursor === this.#saved) return this.#saving;
    this.#saved = cursor;
    this.#saving = this.#saving.then(async () => {
      try {
        await writeFile(`${this.#path}.new`, JSON.stringify(cursor), { mode: 0o640 });
        await rename(`${this.#path}.new`, this.#path);
      } catch {
        // A full disk is reported by the books; the next second tries again.
        this.#saved = undefined;
      }
    });
    return this.#saving;
  }
}
