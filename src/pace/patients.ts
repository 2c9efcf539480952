/** Which providers are in trouble just now, and since when. */
import type { Clock } from './clock.ts';
import { type Backoff, deferred, keptBack, type Trouble } from './health.ts';
import type { PaceLog } from './log.ts';

export interface PatientsParts {
  readonly clock: Clock;
  readonly backoff: () => Backoff;
  readonly log: PaceLog;
}

/** Nothing was tried for so long: what is known of its trouble is no longer true, or nobody's affair. */
const FORGOTTEN_MS = 24 * 3_600_000;

export class Patients {
  readonly #parts: PatientsParts;
  readonly #troubles = new Map<string, Trouble>();

  constructor(parts: PatientsParts) {
    this.#parts = parts;
  }

  of(provider: string): Trouble | undefined {
    const trouble = this.#troubles.get(provider);
    if (trouble === undefined) return undefined;
    const isOver = this.#parts.clock.nowMs() > trouble.nextProbeMs + FORGOTTEN_MS;
    if (isOver) this.#troubles.delete(provider);
    return isOver ? undefined : trouble;
  }

  providers(): readonly string[] {
    return [...this.#troubles.keys()].filter((provider) => this.of(provider) !== undefined);
  }

  /** A message that left at `leftMs` was deferred, and the provider is to blame. */
  refused(provider: string, reply: string, leftMs: number): void {
    const { clock, backoff, log } = this.#parts;
    const before = this.of(provider);
    const after = deferred(before, reply, leftMs, clock.nowMs(), backoff());
    this.#troubles.set(provider, after);
    if (before === undefined) {
      log.warn({ provider, reply }, 'provider defers mail: one probe at a time until it accepts');
    } else if (after.failures > before.failures) {
      const waitMs = Math.round(after.nextProbeMs - clock.nowMs());
      log.info({ provider, failures: after.failures, waitMs, reply }, 'probe deferred');
    }
  }

  /** A message that left at `leftMs` was kept back by the queue manager: nobody was asked. */
  keptBack(provider: string, leftMs: number): void {
    const trouble = this.#troubles.get(provider);
    if (trouble === undefined) return;
    const { clock, backoff } = this.#parts;
    this.#troubles.set(provider, keptBack(trouble, leftMs, clock.nowMs(), backoff()));
  }

  /** It took a message, or refused one for good: it is there. Says whether that is news. */
  accepted(provider: string): boolean {
    const trouble = this.#troubles.get(provider);
    if (trouble === undefined) return false;
    this.#troubles.delete(provider);
    const lastedMs = Math.round(this.#parts.clock.nowMs() - trouble.sinceMs);
    this.#parts.log.info({ provider, lastedMs }, 'provider accepts mail again');
    return true;
  }
}
