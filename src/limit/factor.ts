/** A factor on a provider's limits: how feedback slows a provider down. */
import type { Limits, Pace, SenderLimits } from './limits.ts';

/**
 * 0 < factor <= 1. The count of the pace becomes a real number, so that 1/min can be slowed; burst
 * and quotas stay whole and at least 1; in_flight is another matter and stays. The share of each sender
 * remains the part that it was.
 */
export function scaled(limits: Limits, factor: number): Limits {
  if (factor === 1) return limits;
  const { perSender } = limits;
  const own = perSender === undefined ? {} : { perSender: scaledRates(perSender, factor) };
  return { ...limits, ...scaledRates(limits, factor), ...own };
}

function scaledRates({ pace, quotas }: SenderLimits, factor: number): SenderLimits {
  return {
    ...(pace === undefined ? {} : { pace: scaledPace(pace, factor) }),
    quotas: quotas.map(({ count, windowUs }) => ({ count: atLeastOne(count * factor), windowUs })),
  };
}

/** Recipients a minute that an unlimited provider counts as: faster, nobody is slowed from. */
export const UNLIMITED_PER_MIN = 600;

/** What the limits allow in the long run of a pace, recipients a minute. */
export function perMinute({ pace }: Limits): number {
  return pace === undefined ? UNLIMITED_PER_MIN : (pace.count * 60e6) / pace.windowUs;
}

/** What they allow day after day: where a quota holds more back than the pace, that. */
export function steadyPerMinute(limits: Limits): number {
  const quotas = limits.quotas.map(({ count, windowUs }) => (count * 60e6) / windowUs);
  return Math.min(perMinute(limits), ...quotas);
}

/** As `scaled`; a provider without a pace gets one, and keeps its quotas. */
export function slowed(limits: Limits, factor: number): Limits {
  if (factor === 1 || limits.pace !== undefined) return scaled(limits, factor);
  const count = UNLIMITED_PER_MIN * factor;
  return { ...limits, pace: { count, windowUs: 60e6, burst: atLeastOne(count / 10) } };
}

function scaledPace({ count, windowUs, burst }: Pace, factor: number): Pace {
  return { count: count * factor, windowUs, burst: atLeastOne(burst * factor) };
}

function atLeastOne(count: number): number {
  return Math.max(1, Math.floor(count));
}
