/** How a provider was sent to, hour by hour: what the feedback demo's drawings are made from. */
import type { Sample } from '../trial/trial.ts';

/** Recipients an hour, of one hour. */
export interface Hour {
  readonly taken: number;
  readonly warned: number;
  /** In force, in the middle of the hour. */
  readonly limit: number;
  /** undefined: the provider never said slow down, or it is forgotten. */
  readonly wall: number | undefined;
  /** What the provider bears; undefined: anything. */
  readonly hidden: number | undefined;
}

/** Times in milliseconds; rates in recipients a minute of the trial. */
export interface Run {
  readonly fromMs: number;
  readonly minuteMs: number;
  readonly hours: number;
  readonly ceilingPerMin: number;
  readonly takenMs: readonly number[];
  readonly warnedMs: readonly number[];
  readonly samples: readonly Sample[];
  readonly hiddenPerMin: (hour: number) => number | undefined;
}

export function course(run: Run): readonly Hour[] {
  const { fromMs, minuteMs, hours, samples, takenMs, warnedMs } = run;
  const hourMs = 60 * minuteMs;
  return Array.from({ length: hours }, (_, index) => {
    const beginMs = fromMs + index * hourMs;
    const within = (atMs: number) => atMs >= beginMs && atMs < beginMs + hourMs;
    // The last that was seen by the middle of the hour.
    const sample = samples.findLast(({ atMs }) => atMs <= beginMs + hourMs / 2);
    const hidden = run.hiddenPerMin(index);
    const wall = sample?.wallPerMin;
    return {
      taken: takenMs.filter(within).length,
      warned: warnedMs.filter(within).length,
      limit: 60 * run.ceilingPerMin * (sample?.factor ?? 1),
      wall: wall === undefined ? undefined : 60 * wall,
      hidden: hidden === undefined ? undefined : 60 * hidden,
    };
  });
}

/** The tallest thing in it. */
export function highest(hours: readonly Hour[]): number {
  return Math.max(
    1,
    ...hours.flatMap(({ taken, limit, wall, hidden }) => [taken, limit, wall ?? 0, hidden ?? 0]),
  );
}
