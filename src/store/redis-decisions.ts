/**
 * What was decided about providers, by operators (controls) and by feedback (standings), and the
 * history of both, as a pool's Redis keeps it.
 */
import { shiftedStanding, type Standing } from '../limit/standing.ts';
import { MOST_ADJUSTMENTS } from './books.ts';
import { inForce } from './control.ts';
import type { RedisConnection } from './redis-connection.ts';
import type { Keys } from './redis-keys.ts';
import { readAdjustment, readControl, readStandingText } from './redis-reply.ts';
import type { Scripts } from './redis-scripts.ts';
import { ServerTime } from './server-time.ts';
import type { Adjustment, Control } from './store.ts';

export interface DecisionsParts {
  readonly connection: RedisConnection;
  readonly keys: Keys;
  readonly scripts: Scripts;
  /** Tells this daemon's own changes from the others'. */
  readonly instance: string;
  readonly onChange: (provider: string) => void;
  /** This machine's clock: standings are in Redis's time there, and in this machine's here. */
  readonly nowUs?: () => number;
}

/** A standing as it was read or set last, and as it is there. */
interface Known {
  readonly text: string;
  readonly standing: Standing;
}

/** Times further ahead than this were written before the clock there was set back. */
const SLACK_MS = 1000;

/** Adjustments read at a time when one provider's are looked for. */
const PAGE = 500;

/** Every method rejects with StoreError. */
export class RedisDecisions {
  readonly #parts: DecisionsParts;
  #controlled: readonly string[] = [];
  #standings = new Map<string, Known>();
  readonly #time: ServerTime;

  constructor(parts: DecisionsParts) {
    this.#parts = parts;
    this.#time = new ServerTime(parts.nowUs);
  }

  /** Providers with a decision when they were last read. */
  get known(): readonly string[] {
    return [...this.#controlled, ...this.#standings.keys()];
  }

  async controls(): Promise<ReadonlyMap<string, Control>> {
    const [nowUs, all] = await Promise.all([
      this.#parts.connection.nowUs(),
      this.#parts.connection.ask((client) => client.hgetall(this.#parts.keys.controls)),
    ]);
    const alive = new Map<string, Control>();
    for (const [provider, text] of Object.entries(all)) {
      if (!isProvider(provider)) continue;
      const control = inForce(readControl(text), nowUs);
      if (control !== undefined) alive.set(provider, control);
    }
    this.#controlled = [...alive.keys()];
    return alive;
  }

  /** `ifNone`: left as it is where the provider has a control. */
  async setControl(
    provider: string,
    control: Control | undefined,
    why: Adjustment,
    ifNone = false,
  ): Promise<void> {
    const { controls, adjustments, changes } = this.#parts.keys;
    const text = control === undefined ? '' : JSON.stringify(control);
    await this.#parts.connection.run(
      this.#parts.scripts.control,
      [controls, adjustments, changes],
      [provider, text, JSON.stringify(why), this.#parts.instance, MOST_ADJUSTMENTS, ifNone ? 1 : 0],
    );
    this.#parts.onChange(provider);
  }

  async standings(): Promise<ReadonlyMap<string, Standing>> {
    const { connection, keys } = this.#parts;
    const [all] = await Promise.all([
      connection.ask((client) => client.hgetall(keys.standings)),
      this.#time.measure(() => connection.nowUs()),
    ]);
    const read = new Map<string, Known>();
    for (const [provider, text] of Object.entries(all)) {
      if (!isProvider(provider)) continue;
      const known = this.#standings.get(provider);
      // The same as before keeps its times, whatever became of the clock there.
      read.set(provider, known?.text === text ? known : { text, standing: this.#here(text) });
    }
    this.#standings = read;
    return new Map(Array.from(read, ([provider, { standing }]) => [provider, standing]));
  }

  /** `whys`: oldest first; one that is known already is kept once. */
  async setStanding(
    provider: string,
    seen: number,
    standing: Standing | undefined,
    whys: readonly Adjustment[],
  ): Promise<boolean> {
    const { standings, adjustments, changes } = this.#parts.keys;
    const text =
      standing === undefined ? '' : JSON.stringify(shiftedStanding(standing, this.#time.aheadMs));
    const because = whys.map((why) => JSON.stringify(why));
    const done = await this.#parts.connection.run(
      this.#parts.scripts.standing,
      [standings, adjustments, changes],
      [provider, seen, text, this.#parts.instance, MOST_ADJUSTMENTS, ...because],
    );
    if (done !== 1) return false;
    if (standing === undefined) this.#standings.delete(provider);
    else this.#standings.set(provider, { text, standing });
    this.#parts.onChange(provider);
    return true;
  }

  #here(text: string): Standing {
    const standing = shiftedStanding(readStandingText(text), -this.#time.aheadMs);
    const early = standing.sinceMs - this.#time.nowMs;
    return early > SLACK_MS ? shiftedStanding(standing, -early) : standing;
  }

  async history(provider: string | undefined, most: number): Promise<readonly Adjustment[]> {
    const found: Adjustment[] = [];
    for (let from = 0; found.length < most; from += PAGE) {
      const page = await this.#parts.connection.ask((client) =>
        client.lrange(this.#parts.keys.adjustments, from, from + PAGE - 1),
      );
      for (const text of page) {
        const adjustment = readAdjustment(text);
        const wanted = provider === undefined || adjustment.provider === provider;
        if (wanted && found.length < most) found.push(adjustment);
      }
      if (page.length < PAGE) break;
    }
    return found;
  }
}

/** Both keys have an empty field that is nobody's: where they are not, what was decided is lost. */
export function isProvider(field: string): boolean {
  return field !== '';
}
