/**
 * The store port: who may send now, how much was sent, what an operator has set.
 * Two adapters (memory, Redis) pass one conformance suite. The store owns time: every answer
 * carries its clock, in integer microseconds since the epoch that never step back.
 * Every method rejects with StoreError when the store can't be reached; nothing is then charged.
 */
import type { Limits, Pace, Quota } from '../limit/limits.ts';
import type { Standing } from '../limit/standing.ts';

/** What one message asks of one provider, or of its sender's own share of that provider. */
export interface Demand {
  /** Without blanks. */
  readonly provider: string;
  /**
   * Asks the sender's limits at the provider, kept apart from the provider's and from those of other
   * senders; absent: the provider's own. Beside it stands a demand of the provider itself, which is
   * what a control, in_flight and usage are about.
   */
  readonly sender?: string;
  /** Recipients of the message at this provider; integer >= 1. */
  readonly recipients: number;
  readonly limits: Limits;
}

export interface TakeRequest {
  /** The message, unique in the pool: `host/queue-id`. The in_flight token, and idempotence. */
  readonly id: string;
  /** Index of the lane, 0 the best. */
  readonly lane: number;
  /**
   * true: the message waits in a lane already, the scheduler has settled its turn.
   * false: fresh mail; refused while older mail of a provider waits in the same or a better lane.
   */
  readonly queued: boolean;
  readonly demands: readonly Demand[];
}

/** Why a take was refused: the limit that will be free last. */
export interface Refusal {
  /** away: a shared store has just failed, and it is not known yet for how long. */
  readonly kind: 'pace' | 'quota' | 'in_flight' | 'suspended' | 'waiting' | 'away';
  readonly provider: string;
  /** The sender whose own limit it is; absent: the provider's. */
  readonly sender?: string;
  /** For a quota: its window. */
  readonly windowUs?: number;
}

/** What a provider owes after a take: mirrored by hosts that must go on without the store. */
export interface Debt {
  readonly provider: string;
  /** It is this sender's at the provider; absent: the provider's own. */
  readonly sender?: string;
  /** GCRA's theoretical arrival time of the pace; absent without a pace. */
  readonly tatUs?: number;
  readonly inFlight: number;
}

export interface Exceeded {
  readonly provider: string;
  /** It is a quota of each sender's; absent: the provider's own. */
  readonly sender?: string;
  readonly quota: Quota;
}

export type TakeResult =
  | {
      readonly ok: true;
      readonly nowUs: number;
      readonly debts: readonly Debt[];
      /** Quotas whose count the message alone exceeds: it was admitted alone, to be reported. */
      readonly exceeded: readonly Exceeded[];
    }
  | {
      readonly ok: false;
      readonly nowUs: number;
      /** When to ask again; Infinity where only an event can help (in_flight, waiting). */
      readonly retryAtUs: number;
      readonly cause: Refusal;
      readonly debts: readonly Debt[];
    };

/** What an operator may set in place of a provider's configured limits; absent keys stay. */
export interface Override {
  readonly pace?: Pick<Pace, 'count' | 'windowUs'>;
  readonly burst?: number;
  readonly quotas?: readonly Quota[];
  readonly inFlight?: number;
}

/** What holds for a provider beside its configuration. `until…` absent: until changed. */
export interface Control {
  readonly override?: Override & { readonly untilUs?: number; readonly pinned: boolean };
  readonly suspended?: { readonly untilUs?: number };
  /** Everything passes at once, uncharged by any limit but counted. */
  readonly pass?: { readonly untilUs?: number };
}

/** One change of a provider's control, kept as history. */
export interface Adjustment {
  readonly atUs: number;
  readonly provider: string;
  /** The last five are feedback's: a provider's reply, not an operator, made the change. */
  readonly kind:
    | 'override'
    | 'reset'
    | 'suspend'
    | 'resume'
    | 'pass'
    | 'tightened'
    | 'crowded'
    | 'blocked'
    | 'probing'
    | 'opened';
  /** As an operator reads it: `20/min burst 3` -> `10/min burst 1`. */
  readonly from: string;
  readonly to: string;
  readonly why: string;
  readonly by: string;
  readonly untilUs?: number;
}

/** What one provider was sent and holds, as the store knows it. */
export interface Usage {
  readonly provider: string;
  /** Recipients admitted in the last minute, hour and day. */
  readonly minute: number;
  readonly hour: number;
  readonly day: number;
  readonly inFlight: number;
  readonly tatUs?: number;
}

/** A store that several hosts share is away: this host goes on by itself. */
export interface Split {
  /** This host's time. */
  readonly sinceUs: number;
  /** What fails, in words. */
  readonly why: string;
}

/** A freed place, after which nothing has to be read again; or what may be anything. */
export type Change = 'place' | 'any';
export type ChangeListener = (provider: string, what: Change) => void;

export interface Store {
  readonly kind: 'memory' | 'redis';
  /** undefined: all is in one place. */
  readonly split: Split | undefined;
  /** The store's clock. */
  now(): Promise<number>;
  /**
   * Charges all demands (each of another provider, or of a sender at another provider) or none. A
   * refusal charges nothing. A second take with an id that is still in flight at a provider is a new
   * charge (it is a new release of the same message).
   * An expired control counts as absent; a provider under `pass` is counted and never refused;
   * a suspended one always refuses (until its untilUs).
   */
  take(request: TakeRequest): Promise<TakeResult>;
  /**
   * What `take` would answer for each recipient count in turn, if each were admitted as soon as
   * possible and nothing else came: the admission time of the last of them. Writes nothing.
   * in_flight and waiting mail are left out; suspension without end gives Infinity.
   */
  forecast(demand: Demand, messages: number): Promise<number>;
  /** The message has its outcome at this provider: its in_flight place is free. Idempotent. */
  settle(provider: string, id: string): Promise<void>;
  /** In-flight ids of a provider (for the reconcile); kept of takes whose limits had inFlight. */
  inFlight(provider: string): Promise<readonly { readonly id: string; readonly sinceUs: number }[]>;
  /** A message that went round us was seen leaving (log): charge it, never refuse. */
  charge(demands: readonly Demand[]): Promise<void>;
  /**
   * This host's waiting messages of a provider, a count per lane; all zero clears. With a sender: its
   * messages that wait for its own limit alone, behind which none but its own fresh mail must wait.
   */
  announce(provider: string, waiting: readonly number[], sender?: string): Promise<void>;
  usage(provider: string): Promise<Usage>;
  /** Providers with any state. */
  providers(): Promise<readonly string[]>;
  /** Controls by provider; expired ones left out. */
  controls(): Promise<ReadonlyMap<string, Control>>;
  /** Replaces the control of a provider (undefined: none) and keeps the adjustment as history. */
  setControl(provider: string, control: Control | undefined, why: Adjustment): Promise<void>;
  /** What feedback left behind, by provider. */
  standings(): Promise<ReadonlyMap<string, Standing>>;
  /**
   * Compare and set: replaces the standing of a provider (undefined: none any more) if the epoch of
   * the one in force is `seen` (0: there is none), keeps the adjustment, and tells as setControl
   * does. Resolves to false where somebody else was faster: nothing is changed then.
   */
  setStanding(
    provider: string,
    seen: number,
    standing: Standing | undefined,
    why: Adjustment | undefined,
  ): Promise<boolean>;
  /** Newest first. */
  history(provider: string | undefined, most: number): Promise<readonly Adjustment[]>;
  /**
   * Told of each changed control or standing and each freed in_flight place, by whichever daemon.
   * Returns the undo.
   */
  onChange(listener: ChangeListener): () => void;
  /** Writes what is owed and marks a clean stop. */
  close(): Promise<void>;
}

/** The store can't be reached or answers nonsense: fail over; nothing was charged. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}
