/**
 * What is known of the domains' MX: each lookup is started once, however many ask; few run at a
 * time; an answer is kept for its TTL, within bounds, and served when it is older and the DNS fails.
 */
import type { MxAnswer } from './mx-answer.ts';
import type { MxFound } from './mx-lookup.ts';

export type MxKnowledge =
  /** `fresh`: until then. Else it is too old, and DNS has not said anything newer. */
  | {
      readonly kind: 'known';
      readonly answer: MxAnswer;
      readonly untilMs: number;
      readonly fresh: boolean;
      /** Why there is nothing newer. */
      readonly failed?: string;
    }
  /** The first lookup is under way. */
  | { readonly kind: 'asked' }
  /** DNS had no answer; asked again after then. */
  | { readonly kind: 'failed'; readonly why: string; readonly againMs: number };

export interface MxCacheParts {
  /** Never rejects. */
  readonly lookUp: (domain: string) => Promise<MxFound>;
  /** Milliseconds, of a clock that does not jump. */
  readonly nowMs: () => number;
  /** Domains kept; the one longest unused goes first. */
  readonly mostKept?: number;
}

/** How long a lookup is waited for, from when it was begun. */
export const WAIT_MS = 500;
/** Whatever the TTL says: nobody is asked more often, and nothing is believed for longer. */
const LEAST_MS = 60_000;
const MOST_MS = 24 * 3600_000;
/** For what is not there: a domain may be set up at any time. */
const MOST_ABSENT_MS = 3600_000;
/** After a failure. */
const AGAIN_MS = 30_000;
/** RFC 8767 suggests one to three days. */
const STALE_MS = 3 * 24 * 3600_000;
const AT_A_TIME = 32;
/** Lookups that wait for their turn; what comes on top fails at once. */
const MOST_WAITING = 5000;
const MOST_KEPT = 20_000;

interface Entry {
  readonly answer?: MxAnswer;
  readonly untilMs: number;
  readonly failed?: string;
  /** Not asked for again before then. */
  readonly againMs: number;
}

interface Asked {
  readonly done: Promise<void>;
  readonly sinceMs: number;
}

export class MxCache {
  readonly #parts: MxCacheParts;
  readonly #entries = new Map<string, Entry>();
  readonly #asked = new Map<string, Asked>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(parts: MxCacheParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Begins a lookup, unless it is known or asked for already. `domain` as isDomain accepts it. */
  start(domain: string): void {
    const entry = this.#entries.get(domain);
    if (entry !== undefined) this.#use(domain, entry);
    const nowMs = this.#parts.nowMs();
    const settled = entry !== undefined && entry.againMs > nowMs;
    if (settled || this.#asked.has(domain)) return;
    this.#asked.set(domain, { done: this.#ask(domain), sinceMs: nowMs });
  }

  /**
   * Resolves when all of these are known, or were asked for WAIT_MS ago. undefined: there is nothing
   * to wait for.
   */
  wait(domains: readonly string[]): Promise<void> | undefined {
    const asked = domains.flatMap((domain) => this.#asked.get(domain) ?? []);
    if (asked.length === 0) return undefined;
    const begunMs = Math.max(...asked.map(({ sinceMs }) => sinceMs));
    const leftMs = begunMs + WAIT_MS - this.#parts.nowMs();
    if (leftMs <= 0) return undefined;
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, leftMs);
      void Promise.all(asked.map(({ done }) => done))
        .finally(() => clearTimeout(timer))
        .then(() => resolve());
    });
  }

  /** undefined: never asked for, or forgotten. */
  get(domain: string): MxKnowledge | undefined {
    const entry = this.#entries.get(domain);
    const nowMs = this.#parts.nowMs();
    const { answer, untilMs = 0, failed } = entry ?? {};
    if (answer !== undefined && nowMs < untilMs + STALE_MS) {
      const fresh = nowMs < untilMs;
      return { kind: 'known', answer, untilMs, fresh, ...(failed !== undefined && { failed }) };
    }
    if (this.#asked.has(domain)) return { kind: 'asked' };
    if (failed === undefined) return undefined;
    return { kind: 'failed', why: failed, againMs: entry?.againMs ?? nowMs };
  }

  async #ask(domain: string): Promise<void> {
    const found = await this.#inTurn(domain);
    const before = this.#entries.get(domain);
    const nowMs = this.#parts.nowMs();
    const entry: Entry =
      found.kind === 'answer'
        ? known(found, nowMs)
        : {
            ...(before?.answer !== undefined && { answer: before.answer }),
            untilMs: before?.untilMs ?? 0,
            failed: found.why,
            againMs: nowMs + AGAIN_MS,
          };
    this.#use(domain, entry);
    this.#asked.delete(domain);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > (this.#parts.mostKept ?? MOST_KEPT) && oldest !== undefined) {
      this.#entries.delete(oldest);
    }
  }

  async #inTurn(domain: string): Promise<MxFound> {
    if (this.#running >= AT_A_TIME) {
      if (this.#waiting.length >= MOST_WAITING) {
        return { kind: 'failed', why: 'too many lookups at once' };
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running++;
    try {
      return await this.#parts.lookUp(domain);
    } finally {
      // The place goes to the next one, if there is one.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }

  /** Put last: what is in use is not what goes first. */
  #use(domain: string, entry: Entry): void {
    this.#entries.delete(domain);
    this.#entries.set(domain, entry);
  }
}

function known({ answer, ttlSec }: MxFound & { kind: 'answer' }, nowMs: number): Entry {
  const isThere = answer.kind === 'hosts' || answer.kind === 'null';
  const mostMs = isThere ? MOST_MS : MOST_ABSENT_MS;
  const untilMs = nowMs + Math.min(mostMs, Math.max(LEAST_MS, ttlSec * 1000));
  return { answer, untilMs, againMs: untilMs };
}
