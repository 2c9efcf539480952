/**
 * What operators and feedback decided here while Redis was away, and what Redis has lost of what was
 * decided before. An operator's word is repeated there as it was said, once. Of two standings that
 * were changed on both sides the stricter one holds.
 */
import type { Standing } from '../limit/standing.ts';
import { inForce } from './control.ts';
import type { MemoryStore } from './memory.ts';
import type { Mirror } from './mirror.ts';
import type { RedisStore } from './redis.ts';
import type { Adjustment, Control } from './store.ts';

interface Change {
  readonly provider: string;
  readonly control: Control | undefined;
  readonly why: Adjustment;
}

/** Of a standing: the epoch that Redis had before the first change here, and why the last was made. */
interface Restanding {
  readonly seen: number;
  readonly why: Adjustment | undefined;
}

export class OwnDecisions {
  readonly #memory: MemoryStore;
  readonly #mirror: Mirror;
  #changes: readonly Change[] = [];
  readonly #standings = new Map<string, Restanding>();
  #isForgotten = false;

  constructor(memory: MemoryStore, mirror: Mirror) {
    this.#memory = memory;
    this.#mirror = mirror;
  }

  setControl(provider: string, control: Control | undefined, why: Adjustment): void {
    this.#changes = [...this.#changes, { provider, control, why }];
  }

  setStanding(provider: string, seen: number, why: Adjustment | undefined): void {
    this.#standings.set(provider, { seen: this.#standings.get(provider)?.seen ?? seen, why });
  }

  /** Redis has lost what was decided before. */
  forgotten(): void {
    this.#isForgotten = true;
  }

  /** What the journal says was decided without Redis, from that time on. */
  inherit(awayUs: number): void {
    const { books } = this.#memory.desk;
    for (const why of books.adjustments) {
      const { atUs, kind, provider } = why;
      if (atUs < awayUs || !OPERATORS.has(kind)) continue;
      this.setControl(provider, books.controls.get(provider), why);
    }
  }

  /** Tells Redis, and mirrors what holds then. Rejects with StoreError. */
  async tell(redis: RedisStore): Promise<void> {
    if (this.#isForgotten) await this.#restore(redis);
    let controls: ReadonlyMap<string, Control>;
    do {
      for (let next = this.#changes[0]; next !== undefined; next = this.#changes[0]) {
        const told = next;
        await redis.setControl(told.provider, told.control, told.why);
        this.#changes = this.#changes.filter((change) => change !== told);
      }
      await this.#tellStandings(redis);
      controls = await redis.controls();
    } while (this.#changes.length + this.#standings.size > 0);
    this.#mirror.controls(controls);
  }

  async #tellStandings(redis: RedisStore): Promise<void> {
    const { books } = this.#memory.desk;
    const there = await redis.standings();
    for (const [provider, change] of this.#standings) {
      const [own, theirs] = [books.standings.get(provider), there.get(provider)];
      const epoch = theirs?.epoch ?? 0;
      const isOurs = epoch === change.seen || isStricter(own, theirs);
      const next = own && { ...own, epoch: Math.max(own.epoch, epoch + 1) };
      // Where another host is faster it is asked again, with what that one left.
      if (isOurs && !(await redis.setStanding(provider, epoch, next, change.why))) continue;
      if (this.#standings.get(provider) === change) this.#standings.delete(provider);
    }
    if (this.#standings.size === 0) this.#mirror.standings(await redis.standings());
  }

  async #restore(redis: RedisStore): Promise<void> {
    const { books } = this.#memory.desk;
    const atUs = this.#memory.nowUs();
    for (const [provider, set] of books.controls) {
      const control = inForce(set, atUs);
      const isChanged = this.#changes.some((change) => change.provider === provider);
      if (control === undefined || isChanged) continue;
      await redis.decisions.setControl(provider, control, restored(provider, atUs, control), true);
    }
    for (const [provider, standing] of books.standings) {
      if (this.#standings.has(provider)) continue;
      await redis.setStanding(provider, 0, standing, undefined);
    }
    this.#isForgotten = false;
  }
}

/** Kinds of adjustment that are an operator's: the others are of standings. */
const OPERATORS: ReadonlySet<Adjustment['kind']> = new Set([
  'override',
  'reset',
  'suspend',
  'resume',
  'pass',
]);

function isStricter(one: Standing | undefined, other: Standing | undefined): boolean {
  if (one === undefined) return false;
  return other === undefined || one.factor < other.factor || (one.stop && !other.stop) === true;
}

function restored(provider: string, atUs: number, control: Control): Adjustment {
  const kind = control.suspended ? 'suspend' : control.pass ? 'pass' : 'override';
  const why = 'set again: Redis had lost it';
  return { atUs, provider, kind, from: 'unknown', to: 'as before', why, by: 'postpace' };
}
