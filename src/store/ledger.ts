/** Who is told what was charged, and what else changed. */
import type { Line } from './line.ts';
import type { Demand } from './store.ts';

export interface Ledger {
  /** `name`: the account that was charged. */
  admitted(name: string, demand: Demand, nowUs: number, passes: boolean): void;
  noted(provider: string | undefined, ...lines: readonly Line[]): void;
}

export function both(one: Ledger | undefined, other: Ledger | undefined): Ledger | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return {
    admitted(...what) {
      one.admitted(...what);
      other.admitted(...what);
    },
    noted(...what) {
      one.noted(...what);
      other.noted(...what);
    },
  };
}
