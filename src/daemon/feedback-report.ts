/** What a provider's answers have made of its limits, for the control socket. */
import type { ProviderReport } from '../control/api.ts';
import { stopAt } from '../feedback/probe.ts';
import type { Learner } from '../feedback/learner.ts';
import { formatRate } from '../limit/rate.ts';
import type { Feedback } from '../pace/ports.ts';
import type { Store } from '../store/store.ts';

export interface FeedbackReportParts {
  readonly learner: Learner;
  readonly feedback: Pick<Feedback, 'factor' | 'room'>;
  readonly store: Store;
  readonly nowMs: number;
}

/** What reports and operators ask of feedback. */
export interface Reported extends Pick<Feedback, 'room'> {
  /** Ends its stop; with `forget` its limits are what is configured again. Rejects with StoreError. */
  reopen(provider: string, forget: boolean): Promise<void>;
  /** `isCrowded`: it may have fewer messages at once than is configured. */
  report(
    provider: string,
    isCrowded: boolean,
  ): Promise<Pick<ProviderReport, 'factor' | 'feedback'>>;
  /** Those whose limits were ever moved, and not forgotten since. */
  providers(): Iterable<string>;
}

/** As many adjustments are looked through for the reply. */
const LOOK_BACK = 20;

export async function feedbackReport(
  { learner, feedback, store, nowMs }: FeedbackReportParts,
  provider: string,
  isCrowded: boolean,
): Promise<Pick<ProviderReport, 'factor' | 'feedback'>> {
  const factor = feedback.factor(provider);
  const standing = learner.standing(provider);
  const stop = feedback.room(provider) && stopAt(standing?.stop, nowMs);
  const isOpen = stop === undefined && factor === 1;
  // What lowered the rate, or stopped all, says more than what lowered the messages at once.
  const crowded = isOpen && isCrowded ? standing?.places : undefined;
  if (standing === undefined || (isOpen && crowded === undefined)) {
    return { factor, feedback: null };
  }
  const causes = crowded === undefined ? ['tightened', 'blocked'] : ['crowded'];
  const history = await store.history(provider, LOOK_BACK);
  const last = history.find(({ kind }) => causes.includes(kind));
  return {
    factor,
    feedback: {
      phase: stop?.phase ?? (crowded === undefined ? 'slowed' : 'crowded'),
      since: Math.round((crowded ?? standing).sinceMs),
      until: stop?.phase === 'suspended' ? Math.round(stop.untilMs) : null,
      wall: standing.wall ? formatRate({ count: standing.wall.perMin, windowUs: 60e6 }) : null,
      reply: last?.why ?? null,
    },
  };
}
