import type { Limits } from '../limit/limits.ts';

/** What becomes of mail over its limit: held, only told of, or refused for now (451). */
export type Mode = 'hold' | 'observe' | 'tempfail';

/** Destinations that share one mailbox operator and so one reputation. */
export interface Provider {
  /** What a postmaster types: `gmail`. An id with a dot is a domain, and one of `domains`. */
  readonly id: string;
  readonly name: string;
  /** As toDestination writes them; each stands for itself alone, not for its subdomains. */
  readonly domains: readonly string[];
  /** `.google.com`: for grouping by MX host. */
  readonly mxSuffixes: readonly string[];
  readonly limits: Limits;
  /** Absent: the general mode. */
  readonly mode?: Mode;
  /** Where the limits come from: `built-in: …`, `configuration`. Shown by explain. */
  readonly source: string;
}
