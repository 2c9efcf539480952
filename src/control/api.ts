/**
 * What the daemon answers on the control socket: the JSON of every verb's --json, stable.
 * Times are milliseconds since the epoch, or null for "never" and "unknown".
 */

/** Limits as a postmaster writes them. */
export interface LimitsReport extends SenderLimitsReport {
  readonly inFlight: number | null;
  /** What each sender may send; null: what the provider takes. */
  readonly perSender: SenderLimitsReport | null;
}

export interface SenderLimitsReport {
  /** `20/min`, or null: unlimited. */
  readonly pace: string | null;
  readonly burst: number | null;
  /** `300/h`, `1500/day` */
  readonly quotas: readonly string[];
}

export interface ProviderReport {
  readonly provider: string;
  readonly name: string;
  readonly mode: 'hold' | 'observe' | 'tempfail';
  readonly limits: LimitsReport;
  readonly configured: LimitsReport;
  /** `configuration`, `override` */
  readonly limitsFrom: string;
  readonly overrideUntil: number | null;
  readonly suspended: { readonly until: number | null; readonly why: string } | null;
  readonly passUntil: number | null;
  /** null: all well; else the provider defers or can't be reached, and only probes go out. */
  readonly trouble: {
    readonly since: number;
    readonly nextProbe: number | null;
    readonly reply: string;
  } | null;
  /** 0 < factor <= 1: what the provider's answers make of its limits; 1 where they are as set. */
  readonly factor: number;
  /** null: its answers hold nothing back. */
  readonly feedback: {
    /** crowded: fewer messages at once, and no lower rate. */
    readonly phase: 'slowed' | 'suspended' | 'probing' | 'crowded';
    readonly since: number;
    /** When a suspension ends; null: when enough mail was taken. */
    readonly until: number | null;
    /** The rate at which it said slow down: `12/min`. */
    readonly wall: string | null;
    /** What it said, if that is still in the history. */
    readonly reply: string | null;
  } | null;
  readonly sent: { readonly minute: number; readonly hour: number; readonly day: number };
  readonly inFlight: number;
  readonly held: number;
  readonly heldByLane: Readonly<Record<string, number>>;
  /** Senders at their own limit here, and how much of what is held waits for that. */
  readonly limitedSenders: { readonly senders: number; readonly held: number };
  readonly nextRelease: number | null;
  /** When the last one that waits now leaves, if nothing better comes: null if unknown. */
  readonly lastRelease: number | null;
}

export interface StatusReport {
  readonly version: string;
  readonly pid: number;
  readonly startedAt: number;
  readonly now: number;
  readonly store: string;
  /** Redis is away, and this host goes on by itself; null: it does not. */
  readonly split: { readonly since: number; readonly why: string } | null;
  readonly mode: 'hold' | 'observe' | 'tempfail';
  readonly log: { readonly source: string; readonly state: string };
  /** Whose queue it is: what postsuper -c takes. */
  readonly postfix: { readonly configDirectory: string };
  readonly held: { readonly ours: number; readonly foreign: number; readonly unclaimed: number };
  readonly passAllUntil: number | null;
  /** Sentences an administrator should act on. */
  readonly warnings: readonly string[];
  /** Those with mail waiting first, 200 at most. */
  readonly providers: readonly ProviderReport[];
  /** Destinations with mail waiting that are not among them. */
  readonly unlisted: { readonly providers: number; readonly held: number };
}

export interface HeldReport {
  readonly queueId: string;
  /** Ids that Postfix gave the message before (renamed, or split from). */
  readonly formerIds: readonly string[];
  readonly owner: 'ours' | 'foreign' | 'unclaimed';
  readonly sender: string;
  /** Who logged in to send it; null: nobody, or not known. */
  readonly login: string | null;
  /** It waits for its sender's own limit at one of its providers just now. */
  readonly senderLimit: boolean;
  readonly recipients: readonly string[];
  readonly providers: readonly string[];
  readonly lane: string;
  readonly arrivedAt: number;
  readonly heldAt: number;
  readonly why: string;
  /** When it is expected to leave; null for foreign mail, or unknown. */
  readonly leavesAt: number | null;
  /** Where that is not known: when its provider is probed next, and no sooner; null: not known either. */
  readonly notBefore: number | null;
  /** When max_hold strikes. */
  readonly expiresAt: number | null;
  readonly deferrals: number;
}

export interface ExplainReport {
  readonly query: string;
  /** What it is about, in sentences, most important first. */
  readonly sentences: readonly string[];
  readonly provider: ProviderReport | null;
  /** `listed domain utc.fr`, `destination of its own`, `stays on this machine` */
  readonly because: string;
  readonly message: HeldReport | null;
}

export interface AdjustmentReport {
  readonly at: number;
  readonly provider: string;
  readonly kind: string;
  readonly from: string;
  readonly to: string;
  readonly why: string;
  readonly by: string;
  readonly until: number | null;
}

/** A delivery attempt, or a report of one, that said something about limits or might have. */
export interface FeedbackEventReport {
  /** When it was heard. */
  readonly at: number;
  /** `log`, `imap`, `pipe` (feedback ingest), `ndjson` (another classifier). */
  readonly source: 'log' | 'imap' | 'pipe' | 'ndjson';
  readonly kind: 'delivery' | 'dsn' | 'bounce' | 'complaint' | 'auto_reply' | 'given';
  /** null: not known, or nothing proves it. */
  readonly queueId: string | null;
  readonly recipient: string | null;
  readonly provider: string | null;
  readonly category: string;
  readonly group: string;
  readonly blames: string;
  readonly rule: string | null;
  readonly reply: string;
  /** What proves that it is about mail of ours. */
  readonly trust: 'log' | 'token' | 'records' | 'unproven';
  /** `moved`: it changed a limit; `counted`: it may, with others; `told`: an administrator was told. */
  readonly outcome: 'moved' | 'counted' | 'told' | 'ignored';
  /** Of `moved` what it did, of `ignored` and `told` why. */
  readonly why: string | null;
}

export interface FeedbackListReport {
  /** Counted since then. */
  readonly since: number;
  /** `imap: ignored, forged token` -> how many. */
  readonly counts: Readonly<Record<string, number>>;
  /** Newest first. */
  readonly events: readonly FeedbackEventReport[];
}

/** What is handed in: a message as base64, or lines. */
export interface Ingest {
  readonly format: 'mail' | 'ndjson' | 'log';
  readonly content: string;
}

export interface IngestReport {
  /** Of a message what it is: `dsn`, `complaint`, `auto_reply`, `bounce`, `none`; else the format. */
  readonly kind: string;
  readonly events: readonly FeedbackEventReport[];
  /** Lines that could not be read, counted from 1. */
  readonly wrong: readonly { readonly line: number; readonly why: string }[];
}

/** What limits set takes; strings as a postmaster writes them (`20/min`, `2h`). */
export interface LimitsChange {
  readonly pace?: string;
  readonly burst?: number;
  readonly quotas?: readonly string[];
  readonly inFlight?: number;
  readonly for?: string;
  readonly pin?: boolean;
  readonly reason?: string;
  readonly by: string;
}

export interface Selection {
  readonly ids?: readonly string[];
  readonly provider?: string;
  readonly sender?: string;
}

export interface Counted {
  readonly done: readonly string[];
  readonly failed: readonly { readonly queueId: string; readonly why: string }[];
}

/** What the control server asks of the daemon; rejects with ControlError for the CLI to show. */
export interface ControlTarget {
  status(provider?: string): Promise<StatusReport>;
  limits(provider?: string): Promise<readonly ProviderReport[]>;
  setLimits(provider: string, change: LimitsChange): Promise<ProviderReport>;
  resetLimits(provider: string, by: string, reason?: string): Promise<ProviderReport>;
  history(provider: string | undefined, most: number): Promise<readonly AdjustmentReport[]>;
  suspend(provider: string, by: string, forText?: string, reason?: string): Promise<ProviderReport>;
  resume(provider: string, by: string, reason?: string): Promise<ProviderReport>;
  /** provider undefined: all of them. `0s` ends it. */
  pass(
    provider: string | undefined,
    by: string,
    forText: string,
    reason?: string,
  ): Promise<{ readonly until: number }>;
  held(selection: Selection): Promise<readonly HeldReport[]>;
  /** At once, charged to the limits and never refused by them. */
  releaseHeld(selection: Selection, by: string): Promise<Counted>;
  /**
   * Compares with the real queue now. Deleting needs root, so the CLI runs postsuper itself and
   * then asks for this.
   */
  reconcile(): Promise<void>;
  /** Unclaimed or foreign holds become ours, by id only. */
  adoptHeld(ids: readonly string[], by: string): Promise<Counted>;
  explain(query: string): Promise<ExplainReport>;
  feedback(provider: string | undefined, most: number): Promise<FeedbackListReport>;
  /** Rejects with ControlError 503 where there is too much at once: to be tried again later. */
  ingest(what: Ingest): Promise<IngestReport>;
  /** Configuration in force, secrets hidden. */
  config(): Promise<unknown>;
  /** Reads the configuration again; rejects with the ControlError of a bad one, the old in force. */
  reload(): Promise<void>;
}

/** Shown by the CLI as it is; `status` is the HTTP status. */
export class ControlError extends Error {
  override readonly name = 'ControlError';
  readonly status: 400 | 404 | 409 | 500 | 503;
  constructor(status: 400 | 404 | 409 | 500 | 503, message: string) {
    super(message);
    this.status = status;
  }
}
