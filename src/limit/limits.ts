/**
 * The limits of a provider, as plain data. Arithmetic lives in pace.ts and quota.ts.
 * Times are integer microseconds unless the name says otherwise; counts are recipients.
 */

/** GCRA: one recipient every windowUs/count, at most `burst` back to back after a pause. */
export interface Pace {
  /** Recipients per window; a real number > 0 (a factor may make 1/min into 0.5/min). */
  readonly count: number;
  readonly windowUs: number;
  /** Integer >= 1. */
  readonly burst: number;
}

/** In no window of this length more than `count` recipients; nothing is spaced. */
export interface Quota {
  /** Integer >= 1. */
  readonly count: number;
  readonly windowUs: number;
}

/** What is in force for one provider. Absent means unlimited. */
export interface Limits {
  readonly pace?: Pace;
  readonly quotas: readonly Quota[];
  /** Messages of the provider that may be with Postfix without an outcome; integer >= 1. */
  readonly inFlight?: number;
  /** What each sender may send to the provider, within these limits; absent: no limit of its own. */
  readonly perSender?: SenderLimits;
}

export type SenderLimits = Pick<Limits, 'pace' | 'quotas'>;
