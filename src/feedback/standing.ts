/**
 * How a provider stands to our mail: what its answers left behind. Plain data, kept in the store and
 * replaced whole; whoever replaces it says which epoch he saw, so that two daemons that see two
 * throttles in one second make one halving. Times in milliseconds of the store's clock, rates in
 * recipients a minute.
 */

export interface Standing {
  /** Counts the changes. */
  readonly epoch: number;
  /** In force at `sinceMs`, 0 < factor <= 1; climb.ts says what it is now. */
  readonly factor: number;
  /** The last tightening: only mail that left after it may tighten again. */
  readonly sinceMs: number;
  /** Delivered since then, as the time that it takes at the limit in force. */
  readonly worthMs: number;
  readonly wall: Wall | undefined;
  /** The messages that tightened since the limit was last near the wall. */
  readonly episode: readonly string[];
  /** Judgements of the last day. */
  readonly judged: readonly Judgement[];
  readonly stop: Stop | undefined;
}

/** The rate at which the provider said slow down. */
export interface Wall {
  readonly perMin: number;
  readonly atMs: number;
}

export interface Judgement {
  readonly id: string;
  readonly atMs: number;
}

/** Nothing leaves, or probes only. */
export type Stop = Suspension | Probing;

export interface Suspension {
  readonly phase: 'suspended';
  readonly untilMs: number;
  /** How many in a row, this one included. */
  readonly times: number;
}

/** Half open: 1 message and its outcome, then 2, then 4. */
export interface Probing {
  readonly phase: 'probing';
  readonly times: number;
  /** 0, 1, 2: so many doublings. */
  readonly step: number;
  readonly out: readonly Probe[];
  /** Outcomes of this step: taken, and those that say nothing. */
  readonly taken: number;
  readonly unclear: number;
  /** A step was made without an outcome, by time alone. */
  readonly blind: boolean;
}

export interface Probe {
  readonly id: string;
  readonly leftMs: number;
}

/** What a provider that never said anything stands at. */
export const UNTROUBLED: Standing = {
  epoch: 0,
  factor: 1,
  sinceMs: 0,
  worthMs: 0,
  wall: undefined,
  episode: [],
  judged: [],
  stop: undefined,
};

export interface ControlSettings {
  /** What the configuration or an operator's override allows, recipients a minute. */
  readonly ceilingPerMin: number;
  /** Never slower than this. */
  readonly floorPerMin: number;
  /** A judged share of a day's mail is counted when its lower bound is above this. */
  readonly judgedShare: number;
  /** First suspension, where the reply does not say how long the provider keeps it up. */
  readonly suspendMs: number;
  readonly longestSuspensionMs: number;
  /** An outcome of mail that left longer ago is history. */
  readonly newsMs: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

export const CONTROL_DEFAULTS: Omit<ControlSettings, 'ceilingPerMin'> = {
  floorPerMin: 1 / 10,
  judgedShare: 0.005,
  suspendMs: HOUR_MS,
  longestSuspensionMs: 24 * HOUR_MS,
  newsMs: HOUR_MS,
};
