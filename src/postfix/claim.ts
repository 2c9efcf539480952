/**
 * Whose a hold is, once and for all: the log's evidence, and where that leaves room for a second
 * reason, the message and the other milters. A hold that somebody else may want too is not ours.
 */
import type { Ownership } from './evidence.ts';
import { type ContentTable, contentTables, heldForContent } from './content-holds.ts';
import { mayQuarantine } from './milter-actions.ts';
import { otherMilters } from './other-milters.ts';
import type { PostfixSettings } from './settings.ts';

export interface Claim {
  readonly owner: 'ours' | 'foreign' | 'unclaimed';
  readonly why: string;
}

export interface ClaimsParts {
  readonly settings: () => PostfixSettings;
  /** The names of our own socket. */
  readonly ours: readonly string[];
  readonly evidenceOf: (queueId: string) => Ownership | undefined;
  readonly nowMs: () => number;
}

/** What the other milters and the tables say is asked again after this. */
const FRESH_MS = 60_000;

interface Others {
  /** One that may have quarantined. */
  readonly milter: string | undefined;
  readonly tables: readonly ContentTable[];
}

export class Claims {
  readonly #parts: ClaimsParts;
  #others: Promise<Others> | undefined;
  #askedMs = -Infinity;

  constructor(parts: ClaimsParts) {
    this.#parts = parts;
  }

  /** undefined: the log does not tell. Never rejects. */
  async of(queueId: string): Promise<Claim | undefined> {
    const found = this.#parts.evidenceOf(queueId);
    if (found === undefined || found.owner === 'foreign' || found.certain) return found;
    const { milter, tables } = await this.#ask();
    if (milter !== undefined) {
      const why = `${found.why}; whether ${milter} wanted it held too the log does not tell`;
      return { owner: 'unclaimed', why };
    }
    if (tables.length === 0) return found;
    const names = [...new Set(tables.map(({ parameter }) => parameter))].join(', ');
    try {
      const { configDirectory } = this.#parts.settings();
      const by = await heldForContent(configDirectory, queueId, tables);
      return by === undefined ? found : { owner: 'foreign', why: `held by ${by}; ${found.why}` };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const why = `${found.why}; whether ${names} wanted it held too can't be told: ${reason}`;
      return { owner: 'unclaimed', why };
    }
  }

  #ask(): Promise<Others> {
    const nowMs = this.#parts.nowMs();
    if (this.#others === undefined || nowMs - this.#askedMs > FRESH_MS) {
      this.#askedMs = nowMs;
      this.#others = this.#look();
    }
    return this.#others;
  }

  async #look(): Promise<Others> {
    const settings = this.#parts.settings();
    const milters = otherMilters(settings, this.#parts.ours);
    const asked = await Promise.all(
      milters.map(({ socket }) => mayQuarantine(socket, settings.queueDirectory)),
    );
    const milter = milters.find((_, index) => asked[index])?.socket;
    return { milter, tables: await contentTables(settings) };
  }
}
