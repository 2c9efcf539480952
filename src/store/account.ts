/**
 * What one provider owes and was sent: small, because there may be 100,000 of them.
 * A refused demand changes nothing that counts: at most the debt is restated in a new interval.
 */
import { exceedsQuota, quotaFreeAtUs } from '../limit/quota.ts';
import {
  DAY_US,
  compacted,
  longestUs,
  quotaSpans,
  recordAdmission,
  spansOf,
} from '../limit/history.ts';
import type { History, Span } from '../limit/history.ts';
import { burstSpent, largerDebt, paceCharged, paceFreeAtUs } from '../limit/pace.ts';
import type { PaceState } from '../limit/pace.ts';
import type { Control, Demand, Exceeded, Refusal } from './store.ts';

export interface Account {
  /** Debt of the pace; 0: none. */
  tatUs: number;
  /** The interval tatUs was computed with; 0: no pace yet. */
  intervalUs: number;
  /** How long the history matters, in whole seconds (a day, or the longest quota). */
  keepSec: number;
  /** Charged admissions, by which quotas are judged. */
  history: History;
  /** Admissions under `pass`: counted in usage, charged to nobody. */
  passed: History | undefined;
  /** Message id -> since when, µs: messages without an outcome. Kept where in_flight is limited. */
  inFlight: Map<string, number> | undefined;
  /** When Redis opened the account that this one mirrors, by its clock; 0: not known to be there. */
  bornUs: number;
}

/** Why a demand has to wait, and until when. */
export interface Wait {
  readonly freeAtUs: number;
  readonly cause: Refusal;
}

/** What surrounds a demand when it is judged. */
export interface Circumstances {
  readonly nowUs: number;
  readonly control: Control | undefined;
  /** Older mail of the provider waits, and this message may not overtake it. */
  readonly mustQueue: boolean;
  /** The message: an id that is in flight already holds its own place. */
  readonly id: string;
  /** An unclean stop at this time: its burst counts as spent. */
  readonly uncleanUs: number | undefined;
}

const COMPACT_AT = 128;
const LONGEST = 4096;

export function emptyAccount(): Account {
  return {
    tatUs: 0,
    intervalUs: 0,
    keepSec: DAY_US / 1e6,
    history: [],
    passed: undefined,
    inFlight: undefined,
    bornUs: 0,
  };
}

/** The debt, an unclean stop's included. */
export function paceState(
  account: Account | undefined,
  demand: Pick<Demand, 'limits'>,
  nowUs: number,
  uncleanUs: number | undefined,
): PaceState | undefined {
  const own =
    account === undefined || account.intervalUs === 0
      ? undefined
      : { tatUs: account.tatUs, intervalUs: account.intervalUs };
  const { pace } = demand.limits;
  if (uncleanUs === undefined || pace === undefined) return own;
  return largerDebt(own, burstSpent(pace, uncleanUs), pace, nowUs);
}

/** The limit of the demand that will be free last; undefined: free now. */
export function waitOf(
  account: Account | undefined,
  demand: Demand,
  around: Circumstances,
): Wait | undefined {
  const { provider, sender, recipients, limits } = demand;
  const { nowUs, control } = around;
  const who = sender === undefined ? { provider } : { provider, sender };
  if (control?.pass !== undefined) return undefined;
  // Checked in this order, a later one wins only by being free later: among those that only an
  // event can end, the operator's word comes first.
  let wait: Wait | undefined;
  if (control?.suspended !== undefined && sender === undefined) {
    const freeAtUs = control.suspended.untilUs ?? Infinity;
    wait = { freeAtUs, cause: { kind: 'suspended', provider } };
  }
  if (limits.inFlight !== undefined) {
    const held = account?.inFlight;
    if (held !== undefined && held.size >= limits.inFlight && !held.has(around.id)) {
      wait = later(wait, { freeAtUs: Infinity, cause: { kind: 'in_flight', ...who } });
    }
  }
  if (around.mustQueue) {
    wait = later(wait, { freeAtUs: Infinity, cause: { kind: 'waiting', ...who } });
  }
  if (limits.pace !== undefined) {
    const owed = paceState(account, demand, nowUs, around.uncleanUs);
    const freeAtUs = paceFreeAtUs(owed, limits.pace, recipients, nowUs);
    if (freeAtUs > nowUs) wait = later(wait, { freeAtUs, cause: { kind: 'pace', ...who } });
  }
  if (account !== undefined) {
    for (const quota of limits.quotas) {
      const freeAtUs = quotaFreeAtUs(account.history, quota, recipients, nowUs);
      if (freeAtUs > nowUs) {
        const cause = { kind: 'quota', ...who, windowUs: quota.windowUs } as const;
        wait = later(wait, { freeAtUs, cause });
      }
    }
  }
  return wait;
}

/** Charges a demand, free or not. */
export function chargeAccount(
  account: Account,
  demand: Demand,
  nowUs: number,
  uncleanUs: number | undefined,
): void {
  const { recipients, limits } = demand;
  if (limits.pace !== undefined) {
    const owed = paceState(account, demand, nowUs, uncleanUs);
    const { tatUs, intervalUs } = paceCharged(owed, limits.pace, recipients, nowUs);
    account.tatUs = tatUs;
    account.intervalUs = intervalUs;
  }
  account.history = remembered(account, account.history, demand, nowUs);
}

/** Counts a demand that passes uncharged. */
export function countPassed(account: Account, demand: Demand, nowUs: number): void {
  account.passed = remembered(account, account.passed ?? [], demand, nowUs);
}

/**
 * A limit that changed restates the debt once, at the time it is first seen: from then on the debt
 * is paid at the new rate.
 */
export function restateDebt(account: Account, state: PaceState | undefined): void {
  if (state === undefined) return;
  account.tatUs = state.tatUs;
  account.intervalUs = state.intervalUs;
}

/** Quotas that the message alone exceeds. */
export function exceededBy({ provider, sender, recipients, limits }: Demand): readonly Exceeded[] {
  const who = sender === undefined ? { provider } : { provider, sender };
  return limits.quotas
    .filter((quota) => exceedsQuota(quota, recipients))
    .map((quota) => ({ ...who, quota }));
}

/** Debts paid, nothing in flight, nothing left that usage or a quota would count. */
export function isClear(account: Account, nowUs: number): boolean {
  const goneUs = nowUs - account.keepSec * 1e6;
  return (
    account.tatUs <= nowUs &&
    (account.inFlight === undefined || account.inFlight.size === 0) &&
    (account.history.at(-2) ?? 0) <= goneUs &&
    (account.passed?.at(-2) ?? 0) <= goneUs
  );
}

/** What of the past has to be told apart: usage is a provider's alone, so a sender's quotas do. */
export function rememberedSpans({ sender, limits }: Demand): readonly Span[] {
  return sender === undefined ? spansOf(limits.quotas) : quotaSpans(limits.quotas);
}

/** Admissions that "every burst counts as spent" would not cover after a kill. */
export function outlivesKill({ limits, recipients }: Demand): boolean {
  return limits.quotas.length > 0 || (limits.pace !== undefined && recipients > limits.pace.burst);
}

function remembered(account: Account, history: History, demand: Demand, nowUs: number): History {
  const spans = rememberedSpans(demand);
  account.keepSec = Math.ceil(longestUs(spans) / 1e6);
  if (spans.length === 0) return [];
  // Most destinations get one message a day: no room is set aside for more, as a push would.
  if (history.length === 0) return [nowUs, demand.recipients];
  const before = history.length;
  recordAdmission(history, nowUs, demand.recipients, spans);
  // A journal read back may have left a long list behind.
  const due = history.length % COMPACT_AT === 0 || history.length > LONGEST;
  return due && history.length > before ? compacted(history, nowUs, spans) : history;
}

function later(wait: Wait | undefined, other: Wait): Wait {
  return wait === undefined || other.freeAtUs > wait.freeAtUs ? other : wait;
}
