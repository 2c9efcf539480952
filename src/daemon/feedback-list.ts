/** What feedback heard lately, newest first, and how often what came of it. */
import type { FeedbackEventReport, FeedbackListReport } from '../control/api.ts';
import type { Classification } from '../feedback/classify.ts';
import { readableCause } from '../feedback/cause.ts';
import type { DeliveryEvent } from '../postfix/event.ts';

/** An event on its way into the list. */
export interface HeardEvent extends Pick<
  FeedbackEventReport,
  'at' | 'source' | 'kind' | 'queueId' | 'recipient' | 'provider' | 'trust' | 'outcome' | 'why'
> {
  readonly classification: Classification;
  readonly reply: string;
}

const MOST = 1000;

/** A delivery attempt that the log told. `did`: what it changed; `counts`: it was told to limits. */
export function heardInLog(
  { atMs, queueId, recipient, reply }: DeliveryEvent,
  provider: string,
  classification: Classification,
  { did, counts }: { readonly did: string | undefined; readonly counts: boolean },
): HeardEvent {
  const { group, blames } = classification;
  const weighs = counts && ['slow', 'blocked', 'judged'].includes(group);
  const isOurs = group === 'ours' || blames === 'intermediary';
  return {
    at: Math.round(atMs),
    source: 'log',
    kind: 'delivery',
    queueId,
    recipient,
    provider,
    classification,
    reply,
    trust: 'log',
    outcome: did !== undefined ? 'moved' : isOurs ? 'told' : weighs ? 'counted' : 'ignored',
    why: did ?? (isOurs || weighs ? null : 'it says nothing about limits'),
  };
}

export class FeedbackList {
  /** Oldest first. */
  #events: FeedbackEventReport[] = [];
  readonly #counts = new Map<string, number>();
  readonly #startedAt: number;

  readonly #heard: (event: FeedbackEventReport) => void;

  /** `heard` is told of each event that is listed. */
  constructor(startedAt: number, heard: (event: FeedbackEventReport) => void) {
    this.#startedAt = startedAt;
    this.#heard = heard;
  }

  add(event: HeardEvent): FeedbackEventReport {
    const shown = this.pass(event);
    this.#events.push(shown);
    if (this.#events.length >= 2 * MOST) this.#events = this.#events.slice(-MOST);
    this.#heard(shown);
    return shown;
  }

  /** Counted without being listed: only whoever handed it in is told what came of it. */
  pass({ classification, reply, ...event }: HeardEvent): FeedbackEventReport {
    const { category, group, blames, rule = null } = classification;
    this.count(event);
    return { category, group, blames, rule, reply: readableCause(reply), ...event };
  }

  /** What is no event, and what an event is counted by. */
  count({ source, outcome, why }: Pick<FeedbackEventReport, 'source' | 'outcome' | 'why'>): void {
    const name = outcome === 'ignored' ? `${source}: ignored, ${why}` : `${source}: ${outcome}`;
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  report(provider: string | undefined, most: number): FeedbackListReport {
    const wanted = this.#events.slice(-MOST).filter((event) => {
      return provider === undefined || event.provider === provider;
    });
    return {
      since: this.#startedAt,
      counts: Object.fromEntries([...this.#counts].toSorted(([a], [b]) => (a < b ? -1 : 1))),
      events: wanted.slice(-most).toReversed(),
    };
  }
}
