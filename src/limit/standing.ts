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
  /** When mail was first known to be taken that left after one of them. */
  readonly takenMs?: number | undefined;
  readonly stop: Stop | undefined;
  /** Told that we have too many connections. */
  readonly places?: Places | undefined;
}

/** Messages that may be with Postfix without an outcome: so many at `sinceMs`, more with time. */
export interface Places {
  readonly most: number;
  readonly sinceMs: number;
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
  /** How far the mail came that was blocked last; absent: not known. */
  readonly depth?: number | undefined;
}

/** Half open: 1 message and its outcome, then 2, then 4. */
export interface Probing {
  readonly phase: 'probing';
  readonly times: number;
  readonly depth?: number | undefined;
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

/** So many messages of an episode are remembered. */
export const REMEMBERED = 32;
/** As many judgements of a day: half a percent of some ten thousand recipients can be counted. */
export const MOST_JUDGED = 200;

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

/** The standing with every time moved: a clock that stepped back is followed, not waited for. */
export function shiftedStanding(standing: Standing, byMs: number): Standing {
  const { wall, stop, places, takenMs } = standing;
  return {
    ...standing,
    sinceMs: standing.sinceMs + byMs,
    wall: wall && { ...wall, atMs: wall.atMs + byMs },
    judged: standing.judged.map((one) => ({ ...one, atMs: one.atMs + byMs })),
    ...(takenMs !== undefined && { takenMs: takenMs + byMs }),
    stop: stop && shiftedStop(stop, byMs),
    places: places && { ...places, sinceMs: places.sinceMs + byMs },
  };
}

function shiftedStop(stop: Stop, byMs: number): Stop {
  return stop.phase === 'suspended'
    ? { ...stop, untilMs: stop.untilMs + byMs }
    : { ...stop, out: stop.out.map((one) => ({ ...one, leftMs: one.leftMs + byMs })) };
}

/**
 * A standing as JSON has it. What is none (another version may have written it) counts as
 * untroubled, with its epoch, so that it can be replaced; undefined where there is no epoch either.
 */
export function readStanding(value: unknown): Standing | undefined {
  if (isStanding(value)) return { ...value, wall: value.wall, stop: value.stop };
  if (!isRecord(value) || !isCount(value['epoch'])) return undefined;
  return { ...UNTROUBLED, epoch: Number(value['epoch']) };
}

function isStanding(value: unknown): value is Standing {
  if (!isRecord(value)) return false;
  const { epoch, factor, sinceMs, worthMs, wall, episode, judged, takenMs, stop, places } = value;
  return (
    isCount(epoch) &&
    isTime(sinceMs) &&
    isTime(worthMs) &&
    isTime(factor) &&
    Number(factor) > 0 &&
    Number(factor) <= 1 &&
    (wall === undefined ||
      (isRecord(wall) && Number(wall['perMin']) > 0 && isTime(wall['atMs']))) &&
    Array.isArray(episode) &&
    episode.every((id) => typeof id === 'string') &&
    isDated(judged, 'atMs') &&
    (takenMs === undefined || isTime(takenMs)) &&
    (stop === undefined || isStop(stop)) &&
    (places === undefined ||
      (isRecord(places) && Number(places['most']) >= 1 && isTime(places['sinceMs'])))
  );
}

function isStop(stop: unknown): stop is Stop {
  if (!isRecord(stop) || !isCount(stop['times'])) return false;
  if (stop['depth'] !== undefined && !isCount(stop['depth'])) return false;
  if (stop['phase'] === 'suspended') return isTime(stop['untilMs']);
  const counts = [stop['step'], stop['taken'], stop['unclear']];
  return stop['phase'] === 'probing' && counts.every(isCount) && isDated(stop['out'], 'leftMs');
}

function isDated(list: unknown, time: string): boolean {
  return (
    Array.isArray(list) &&
    list.every((one) => isRecord(one) && typeof one['id'] === 'string' && isTime(one[time]))
  );
}

function isTime(value: unknown): boolean {
  return Number.isFinite(value);
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
