/** What was decided about providers, in Redis where it answers, else here until it is back. */
import type { Standing } from '../limit/standing.ts';
import type { MemoryStore } from './memory.ts';
import type { Mirror } from './mirror.ts';
import type { OwnDecisions } from './own-decisions.ts';
import type { RedisLink } from './redis-link.ts';
import type { Forgotten } from './redis-pool.ts';
import type { RedisStore } from './redis.ts';
import type { Adjustment, Control } from './store.ts';

export interface FailoverDecisionsParts {
  readonly memory: MemoryStore;
  readonly mirror: Mirror;
  readonly link: RedisLink;
  readonly own: OwnDecisions;
}

export class FailoverDecisions {
  readonly #parts: FailoverDecisionsParts;

  constructor(parts: FailoverDecisionsParts) {
    this.#parts = parts;
  }

  async controls(): Promise<ReadonlyMap<string, Control>> {
    const { memory, mirror, link } = this.#parts;
    const controls = await link.either(memory, (store) => store.controls());
    if (link.redis !== undefined) mirror.controls(controls);
    return controls;
  }

  async setControl(provider: string, control: Control | undefined, why: Adjustment): Promise<void> {
    const { memory, mirror, link, own } = this.#parts;
    if (link.redis !== undefined) {
      try {
        await link.redis.setControl(provider, control, why);
        mirror.control(provider, control);
        mirror.adjusted(why);
        return;
      } catch (error) {
        link.failed(error);
      }
    }
    // An operator's word holds here at once, and everywhere when Redis is back.
    own.setControl(provider, control, why);
    await memory.setControl(provider, control, why);
  }

  async standings(): Promise<ReadonlyMap<string, Standing>> {
    const { memory, mirror, link } = this.#parts;
    const standings = await link.either(memory, (store) => store.standings());
    if (link.redis !== undefined) mirror.standings(standings);
    return standings;
  }

  async setStanding(
    provider: string,
    seen: number,
    standing: Standing | undefined,
    why: Adjustment | undefined,
  ): Promise<boolean> {
    const { memory, mirror, link, own } = this.#parts;
    if (link.redis !== undefined) {
      try {
        if (!(await link.redis.setStanding(provider, seen, standing, why))) return false;
        mirror.standing(provider, standing);
        if (why !== undefined) mirror.adjusted(why);
        return true;
      } catch (error) {
        link.failed(error);
      }
    }
    if ((memory.desk.books.standings.get(provider)?.epoch ?? 0) !== seen) return false;
    // Noted before it is on the disk: Redis may be back, and told of what is known, before that.
    own.setStanding(provider, seen, why);
    return memory.setStanding(provider, seen, standing, why);
  }

  /** Redis lost it: what was known here is set anew. */
  forgotten(redis: RedisStore, { controls, standings }: Forgotten): void {
    const { memory, link, own } = this.#parts;
    const { books } = memory.desk;
    const isLost = (controls && books.controls.size > 0) || (standings && books.standings.size > 0);
    if (!isLost) return;
    own.forgotten();
    if (link.redis === undefined) return;
    own.tell(redis).catch((error: unknown) => link.failed(error));
  }
}
