/** What the control is told of a provider: its ceiling, and how patient to be. */

export interface ControlSettings {
  /** What the configuration or an operator's override allows, recipients a minute. */
  readonly ceilingPerMin: number;
  /** What quotas leave of that in the long run; absent: all of it. */
  readonly steadyPerMin?: number;
  /** Never slower than this. */
  readonly floorPerMin: number;
  /** A judged share of a day's mail is counted when its lower bound is above this. */
  readonly judgedShare: number;
  /** First suspension, where the reply does not say how long the provider keeps it up. */
  readonly suspendMs: number;
  readonly longestSuspensionMs: number;
  /** An outcome of mail that left longer ago is history. */
  readonly newsMs: number;
  /** How much faster than in life the climb and the waits go: 1, and more in a trial. */
  readonly scale: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

export const CONTROL_DEFAULTS: Omit<ControlSettings, 'ceilingPerMin'> = {
  floorPerMin: 1 / 10,
  judgedShare: 0.005,
  suspendMs: HOUR_MS,
  longestSuspensionMs: 24 * HOUR_MS,
  newsMs: HOUR_MS,
  scale: 1,
};
