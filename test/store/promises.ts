/**
 * What a store promises while the limits of one account change from demand to demand.
 *
 * A quota is kept by what was admitted under it, whatever happened in between. The debt of a pace is
 * restated by the first demand under another one, admitted or not, and is paid at that rate from
 * there on: so a pace is kept from change to change, and across all changes the fastest of them.
 */
import type { Limits, Pace, Quota } from '../../src/limit/limits.ts';
import { brokenPromises } from './windows.ts';
import type { Admitted } from './windows.ts';

export interface Choice {
  readonly pace: Pace | undefined;
  readonly quotas: readonly Quota[];
}

export function limitsFrom({ pace, quotas }: Choice): Limits {
  return pace === undefined ? { quotas } : { pace, quotas };
}

export class PromisesAcrossChanges {
  readonly #choices: readonly Choice[];
  /** By choice, all that was admitted under it. */
  readonly #under: Admitted[][];
  /** What was admitted between one change of pace and the next, in order. */
  readonly #runs: { readonly pace: Pace; readonly admitted: Admitted[] }[] = [];

  constructor(choices: readonly Choice[]) {
    this.#choices = choices;
    this.#under = choices.map(() => []);
  }

  asked(chosen: number, ok: boolean, what: Admitted): void {
    const { pace } = this.#choices[chosen]!;
    // Without a pace nothing is charged to one, and no debt restated.
    if (pace !== undefined && this.#runs.at(-1)?.pace !== pace) {
      this.#runs.push({ pace, admitted: [] });
    }
    if (!ok) return;
    this.#under[chosen]!.push(what);
    if (pace !== undefined) this.#runs.at(-1)!.admitted.push(what);
  }

  broken(): readonly string[] {
    return [
      ...this.#choices.flatMap(({ quotas }, i) => brokenPromises(this.#under[i]!, { quotas })),
      ...this.#runs.flatMap(({ pace, admitted }) => brokenPromises(admitted, { pace, quotas: [] })),
      ...this.#acrossRuns(),
    ];
  }

  #acrossRuns(): readonly string[] {
    const paces = this.#runs.map(({ pace }) => pace);
    if (paces.length === 0) return [];
    const windowUs = Math.max(...paces.map((pace) => pace.windowUs));
    const fastest = {
      count: Math.max(...paces.map((pace) => (pace.count * windowUs) / pace.windowUs)),
      windowUs,
      burst: Math.max(...paces.map((pace) => pace.burst)),
    };
    const all = this.#runs.flatMap(({ admitted }) => admitted);
    return brokenPromises(all, { pace: fastest, quotas: [] });
  }
}
