/**
 * What operators and feedback decided here while Redis was away, and what Redis has lost of what was
 * decided before. An operator's word is repeated there as it was said, once. Of two standings that
 * were changed on both sides the stricter one holds, part by part; why each was changed is kept.
 */
import { mergedStanding } from '../limit/merged-standing.ts';
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

/** Of a standing: the epoch that Redis had before the first change here, and why each was made. */
interface Restanding {
  readonly seen: number;
  readonly whys: readonly Adjustment[];
}

/** An epoch that no standing has: it is not known which one Redis had. */
const UNSEEN = -1;
/** Why a provider's standing was changed: the last so many. */
const MOST_WHYS = 100;
/** What found Redis away had been decided as long before that was known, at most. */
const ASKED_US = 5e6;

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
    const before = this.#standings.get(provider) ?? { seen, whys: [] };
    const whys = why === undefined ? before.whys : [...before.whys, why].slice(-MOST_WHYS);
    this.#standings.set(provider, { seen: before.seen, whys });
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
      if (atUs < awayUs - ASKED_US) continue;
      if (OPERATORS.has(kind)) this.setControl(provider, books.controls.get(provider), why);
      else this.setStanding(provider, UNSEEN, why);
    }
  }

  /** Tells Redis, and mirrors what holds then. Rejects with StoreError. */
  async tell(redis: RedisStore): Promise<void> {
    if (this.#isForgotten) await this.#restore(redis);
    for (;;) {
      for (let next = this.#changes[0]; next !== undefined; next = this.#changes[0]) {
        const told = next;
        await redis.setControl(told.provider, told.control, told.why);
        this.#changes = this.#changes.filter((change) => change !== told);
      }
      await this.#tellStandings(redis);
      const [controls, standings] = await Promise.all([redis.controls(), redis.standings()]);
      // Decided while that was asked: it is not among what was answered.
      if (this.#changes.length + this.#standings.size > 0) continue;
      this.#mirror.controls(controls);
      this.#mirror.standings(standings);
      return;
    }
  }

  async #tellStandings(redis: RedisStore): Promise<void> {
    if (this.#standings.size === 0) return;
    const { books } = this.#memory.desk;
    const there = await redis.standings();
    for (const [provider, change] of this.#standings) {
      const [own, theirs] = [books.standings.get(provider), there.get(provider)];
      const seen = theirs?.epoch ?? 0;
      const next = theirs === undefined || seen === change.seen ? own : merged(own, theirs);
      const epoch = Math.max(own?.epoch ?? 0, seen + 1);
      const set = next && { ...next, epoch };
      // Where another host is faster it is asked again, with what that one left.
      if (!(await redis.decisions.setStanding(provider, seen, set, change.whys))) continue;
      if (this.#standings.get(provider) === change) this.#standings.delete(provider);
    }
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
      const why = books.adjustments.filter((one) => isFeedbacks(one, provider)).slice(-MOST_WHYS);
      if (await redis.decisions.setStanding(provider, 0, standing, why)) continue;
      const there = (await redis.standings()).get(provider);
      if (why.length === 0 || there?.epoch !== standing.epoch) continue;
      // Another host was faster, and does not know the reasons.
      const again = { ...there, epoch: there.epoch + 1 };
      await redis.decisions.setStanding(provider, there.epoch, again, why);
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

function isFeedbacks({ kind, provider }: Adjustment, of: string): boolean {
  return provider === of && !OPERATORS.has(kind);
}

function merged(own: Standing | undefined, theirs: Standing): Standing {
  return own === undefined ? theirs : mergedStanding(own, theirs);
}

function restored(provider: string, atUs: number, control: Control): Adjustment {
  const kind = control.suspended ? 'suspend' : control.pass ? 'pass' : 'override';
  const why = 'set again: Redis had lost it';
  return { atUs, provider, kind, from: 'unknown', to: 'as before', why, by: 'postpace' };
}
