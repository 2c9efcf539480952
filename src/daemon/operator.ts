/** What an operator changes: overrides, suspensions, letting everything pass. Each is kept as history. */
import { ControlError, type LimitsChange, type ProviderReport } from '../control/api.ts';
import {
  formatDuration,
  formatLimits,
  parseDurationUs,
  parseQuota,
  parseRate,
} from '../limit/rate.ts';
import { overridden } from '../pace/ceiling.ts';
import { EVERY } from '../pace/gate.ts';
import type { PaceLog } from '../pace/log.ts';
import { inForce } from '../store/control.ts';
import type { Adjustment, Control, Override } from '../store/store.ts';
import { providerReport, type ReportParts } from './reports.ts';

export interface OperatorParts extends ReportParts {
  readonly canonical: (provider: string) => string;
  readonly log: PaceLog;
}

type Change = Pick<Adjustment, 'kind' | 'to' | 'why' | 'by'> &
  Partial<Pick<Adjustment, 'from' | 'untilUs'>>;

export class Operator {
  readonly #parts: OperatorParts;

  constructor(parts: OperatorParts) {
    this.#parts = parts;
  }

  async setLimits(name: string, change: LimitsChange): Promise<ProviderReport> {
    const provider = this.#parts.canonical(name);
    const before = this.#control(provider);
    const override: Override = { ...strip(before.override), ...readOverride(change) };
    if (Object.keys(readOverride(change)).length === 0) {
      throw new ControlError(400, 'nothing to set: give --pace, --burst, --quota or --in-flight');
    }
    const untilUs = this.#until(change.for);
    const until = untilUs === undefined ? {} : { untilUs };
    const after: Control = {
      ...before,
      override: { ...override, ...until, pinned: change.pin ?? false },
    };
    const to = formatLimits(overridden(this.#parts.resolution(provider).limits, override));
    await this.#set(provider, after, {
      kind: 'override',
      to,
      why: change.reason ?? '',
      by: change.by,
      ...until,
    });
    return providerReport(this.#parts, provider);
  }

  async resetLimits(name: string, by: string, reason = ''): Promise<ProviderReport> {
    const provider = this.#parts.canonical(name);
    const { override: _, ...rest } = this.#control(provider);
    const to = formatLimits(this.#parts.resolution(provider).limits);
    await this.#set(provider, rest, { kind: 'reset', to, why: reason, by });
    await this.#parts.feedback.reopen(provider, true);
    return providerReport(this.#parts, provider);
  }

  async suspend(name: string, by: string, forText?: string, reason = ''): Promise<ProviderReport> {
    const provider = this.#parts.canonical(name);
    const untilUs = this.#until(forText);
    const until = untilUs === undefined ? {} : { untilUs };
    const to = forText === undefined ? 'suspended until resumed' : `suspended for ${forText}`;
    const after = { ...this.#control(provider), suspended: until };
    await this.#set(provider, after, { kind: 'suspend', to, why: reason, by, ...until });
    return providerReport(this.#parts, provider);
  }

  async resume(name: string, by: string, reason = ''): Promise<ProviderReport> {
    const provider = this.#parts.canonical(name);
    const { suspended, pass, ...rest } = this.#control(provider);
    const isBlocked = this.#parts.feedback.room(provider) !== undefined;
    if (suspended === undefined && pass === undefined && !isBlocked) {
      throw new ControlError(409, `${provider} is not suspended`);
    }
    const from = suspended !== undefined || isBlocked ? 'suspended' : 'everything passes';
    const to = formatLimits(this.#parts.pacer.is.gate.limits(provider));
    await this.#parts.feedback.reopen(provider, false);
    await this.#set(provider, rest, { kind: 'resume', from, to, why: reason, by });
    return providerReport(this.#parts, provider);
  }

  async pass(
    name: string | undefined,
    by: string,
    forText: string,
    reason = '',
  ): Promise<{ readonly until: number }> {
    const provider = name === undefined ? EVERY : this.#parts.canonical(name);
    if (/^0(s|m|min|h|d)?$/.test(forText.trim())) return this.#endPass(provider, by, reason);
    const untilUs = this.#until(forText) ?? 0;
    const after = { ...this.#control(provider), pass: { untilUs } };
    const to = `everything passes for ${formatDuration(untilUs - this.#parts.clock.nowUs())}`;
    await this.#set(provider, after, { kind: 'pass', to, why: reason, by, untilUs });
    return { until: Math.round(untilUs / 1000) };
  }

  /** `--for 0s`: the limits hold again. */
  async #endPass(
    provider: string,
    by: string,
    reason: string,
  ): Promise<{ readonly until: number }> {
    const { pass: _, ...rest } = this.#control(provider);
    await this.#set(provider, rest, { kind: 'pass', to: 'limits hold again', why: reason, by });
    return { until: Math.round(this.#parts.clock.nowMs()) };
  }

  #control(provider: string): Control {
    const { pacer, clock } = this.#parts;
    return inForce(pacer.is.gate.controls.get(provider), clock.nowUs()) ?? {};
  }

  async #set(provider: string, after: Control, change: Change): Promise<void> {
    const { store, pacer, clock, log } = this.#parts;
    const {
      kind,
      from = provider === EVERY ? 'limits in force' : formatLimits(pacer.is.gate.limits(provider)),
      to,
      why,
      by,
    } = change;
    const control = Object.keys(after).length === 0 ? undefined : after;
    await store.setControl(provider, control, { atUs: clock.nowUs(), provider, ...change, from });
    await pacer.is.gate.readControls();
    if (provider === EVERY) pacer.is.scheduler.wakeAll();
    else pacer.is.scheduler.reopen(provider);
    log.info({ provider, kind, from, to, why, by }, 'limit changed');
  }

  #until(forText: string | undefined): number | undefined {
    if (forText === undefined) return undefined;
    const us = read(() => parseDurationUs(forText), '--for');
    if (us <= 0) throw new ControlError(400, `--for: found ${forText}, expected more than nothing`);
    return Math.round(this.#parts.clock.nowUs() + us);
  }
}

function readOverride(change: LimitsChange): Override {
  const { pace, burst, quotas, inFlight } = change;
  for (const [name, value] of [
    ['--burst', burst],
    ['--in-flight', inFlight],
  ] as const) {
    if (value !== undefined && !(Number.isInteger(value) && value >= 1)) {
      throw new ControlError(400, `${name}: found ${value}, expected a whole number from 1 up`);
    }
  }
  return {
    ...(pace !== undefined && { pace: read(() => parseRate(pace), '--pace') }),
    ...(burst !== undefined && { burst }),
    ...(quotas !== undefined && {
      quotas: quotas.map((text) => read(() => parseQuota(text), '--quota')),
    }),
    ...(inFlight !== undefined && { inFlight }),
  };
}

/** The override's numbers alone: its time and pin are set anew. */
function strip(override: Control['override']): Override {
  if (override === undefined) return {};
  const { untilUs: _until, pinned: _pinned, ...numbers } = override;
  return numbers;
}

function read<T>(parse: () => T, option: string): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof SyntaxError) throw new ControlError(400, `${option}: ${error.message}`);
    throw error;
  }
}
