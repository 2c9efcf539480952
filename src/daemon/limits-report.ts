/** Limits as the control socket tells them. */
import type { LimitsReport, SenderLimitsReport } from '../control/api.ts';
import type { Limits, SenderLimits } from '../limit/limits.ts';
import { formatRate } from '../limit/rate.ts';

/** Most destinations have the same limits: written once. */
const written = new WeakMap<Limits, LimitsReport>();

export function limitsReport(limits: Limits): LimitsReport {
  const known = written.get(limits);
  if (known !== undefined) return known;
  const report = {
    ...ratesReport(limits),
    inFlight: limits.inFlight ?? null,
    perSender: limits.perSender === undefined ? null : ratesReport(limits.perSender),
  };
  written.set(limits, report);
  return report;
}

function ratesReport({ pace, quotas }: SenderLimits): SenderLimitsReport {
  return {
    pace: pace === undefined ? null : formatRate(pace),
    burst: pace?.burst ?? null,
    quotas: quotas.map(formatRate),
  };
}
