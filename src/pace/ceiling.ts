import type { Limits } from '../limit/limits.ts';
import { defaultBurst } from '../limit/rate.ts';
import type { Override } from '../store/store.ts';

/** The limits with what an operator set in their place; what he did not name stays. */
export function overridden(limits: Limits, override: Override | undefined): Limits {
  if (override === undefined) return limits;
  const rate = override.pace ?? limits.pace;
  const burst =
    override.burst ?? (override.pace ? defaultBurst(override.pace.count) : limits.pace?.burst);
  const inFlight = override.inFlight ?? limits.inFlight;
  return {
    ...(rate && { pace: { count: rate.count, windowUs: rate.windowUs, burst: burst ?? 1 } }),
    quotas: override.quotas ?? limits.quotas,
    ...(inFlight !== undefined && { inFlight }),
    ...(limits.perSender && { perSender: limits.perSender }),
  };
}
