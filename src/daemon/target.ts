/** What the control socket's verbs do. */
import {
  ControlError,
  type AdjustmentReport,
  type ControlTarget,
  type Counted,
  type ExplainReport,
  type HeldReport,
  type LimitsChange,
  type ProviderReport,
  type Selection,
  type StatusReport,
} from '../control/api.ts';
import type { HeldRecord } from '../pace/item.ts';
import type { PaceLog } from '../pace/log.ts';
import type { Store } from '../store/store.ts';
import { explain } from './explain.ts';
import { Operator } from './operator.ts';
import {
  heldReport,
  otherReport,
  positionsIn,
  providerReport,
  type ReportParts,
} from './reports.ts';

export interface TargetParts extends ReportParts {
  readonly store: Store;
  readonly log: PaceLog;
  /** A provider's id, from that id or a domain of its. */
  readonly canonical: (provider: string) => string;
  readonly because: (recipient: string) => {
    readonly provider: string | undefined;
    readonly because: string;
  };
  /** Looks up who stays here, before `because` is asked. */
  readonly prepare: (recipients: readonly string[]) => Promise<void>;
  /** Ids that a queue id the application saw stands for now (split set-up). */
  readonly successors: (queueId: string) => readonly string[];
  readonly named: () => readonly string[];
  readonly header: () => Pick<
    StatusReport,
    'version' | 'pid' | 'startedAt' | 'store' | 'mode' | 'log' | 'postfix' | 'warnings'
  >;
  readonly config: () => unknown;
  readonly reload: () => Promise<void>;
}

/** Destinations without mail waiting that status lists at most: the rest is counted in warnings. */
const QUIET_DESTINATIONS = 20;

export class Target implements ControlTarget {
  readonly #parts: TargetParts;
  readonly #operator: Operator;

  constructor(parts: TargetParts) {
    this.#parts = parts;
    this.#operator = new Operator(parts);
  }

  async status(provider?: string): Promise<StatusReport> {
    const { clock, pacer, header } = this.#parts;
    const nowUs = clock.nowUs();
    const all = pacer.gate.controls.get('*')?.pass;
    const others = [...pacer.reconcile.others.values()];
    return {
      ...header(),
      now: Math.round(clock.nowMs()),
      held: {
        ours: pacer.desk.size,
        foreign: others.filter(({ owner }) => owner === 'foreign').length,
        unclaimed: others.filter(({ owner }) => owner === 'unclaimed').length,
      },
      passAllUntil:
        all !== undefined && (all.untilUs ?? Infinity) > nowUs
          ? Math.round((all.untilUs ?? 0) / 1000)
          : null,
      providers: await this.limits(provider),
    };
  }

  async limits(provider?: string): Promise<readonly ProviderReport[]> {
    if (provider !== undefined) {
      return [await providerReport(this.#parts, this.#parts.canonical(provider))];
    }
    const reports = [];
    for (const one of await this.#active()) reports.push(await providerReport(this.#parts, one));
    return reports.filter(isActive);
  }

  setLimits(provider: string, change: LimitsChange): Promise<ProviderReport> {
    return this.#operator.setLimits(provider, change);
  }

  resetLimits(provider: string, by: string, reason?: string): Promise<ProviderReport> {
    return this.#operator.resetLimits(provider, by, reason);
  }

  async history(provider: string | undefined, most: number): Promise<readonly AdjustmentReport[]> {
    const found = await this.#parts.store.history(provider, most);
    return found.map(({ atUs, untilUs, provider: name, kind, from, to, why, by }) => ({
      at: Math.round(atUs / 1000),
      provider: name,
      kind,
      from,
      to,
      why,
      by,
      until: untilUs === undefined ? null : Math.round(untilUs / 1000),
    }));
  }

  suspend(
    provider: string,
    by: string,
    forText?: string,
    reason?: string,
  ): Promise<ProviderReport> {
    return this.#operator.suspend(provider, by, forText, reason);
  }

  resume(provider: string, by: string, reason?: string): Promise<ProviderReport> {
    return this.#operator.resume(provider, by, reason);
  }

  pass(
    provider: string | undefined,
    by: string,
    forText: string,
    reason?: string,
  ): Promise<{ readonly until: number }> {
    return this.#operator.pass(provider, by, forText, reason);
  }

  async held(selection: Selection): Promise<readonly HeldReport[]> {
    const { pacer } = this.#parts;
    const ours = this.#select(selection);
    const providers = new Set(
      ours.flatMap(({ recipients }) => this.#parts.providersOf(recipients)),
    );
    const positions = positionsIn(this.#parts, providers);
    const reports = [];
    for (const record of ours) reports.push(await heldReport(this.#parts, record, positions));
    const others = [...pacer.reconcile.others.values()]
      .map((other) => otherReport(this.#parts, other))
      .filter((report) => this.#matches(selection, report));
    return [...reports, ...others];
  }

  async releaseHeld(selection: Selection, by: string): Promise<Counted> {
    const { pacer } = this.#parts;
    const done: string[] = [];
    const failed = this.#missing(selection);
    for (const record of this.#select(selection)) {
      pacer.outcomes.charge(record);
      pacer.desk.release(record);
      pacer.departures.leave({ ...record, why: `released by ${by}` });
      done.push(record.queueId);
    }
    return Promise.resolve({ done, failed });
  }

  async reconcile(): Promise<void> {
    if (!(await this.#parts.pacer.compare())) {
      throw new ControlError(503, this.#parts.pacer.troubles.join('; '));
    }
  }

  async adoptHeld(ids: readonly string[], by: string): Promise<Counted> {
    await this.reconcile();
    const missing = new Set(await this.#parts.pacer.reconcile.adopt(ids, by));
    return {
      done: ids.filter((id) => !missing.has(id)),
      failed: [...missing].map((queueId) => ({
        queueId,
        why: this.#parts.pacer.desk.record(queueId)
          ? 'it is ours already'
          : 'not in the hold queue',
      })),
    };
  }

  explain(query: string): Promise<ExplainReport> {
    return explain(this.#parts, query);
  }

  config(): Promise<unknown> {
    return Promise.resolve(this.#parts.config());
  }

  reload(): Promise<void> {
    return this.#parts.reload();
  }

  /** Providers worth a row: with mail waiting, in trouble, under an operator's hand, or named. */
  async #active(): Promise<readonly string[]> {
    const { pacer, store, named } = this.#parts;
    const names = new Set<string>([
      ...pacer.scheduler.providers(),
      ...pacer.patients.providers(),
      ...[...pacer.gate.controls.keys()].filter((name) => name !== '*'),
      ...named(),
    ]);
    for (const record of pacer.desk.shelf()) {
      for (const provider of this.#parts.providersOf(record.recipients)) names.add(provider);
    }
    let quiet = 0;
    for (const provider of await store.providers()) {
      if (names.has(provider)) continue;
      if (++quiet > QUIET_DESTINATIONS) break;
      names.add(provider);
    }
    return [...names];
  }

  #select(selection: Selection): readonly HeldRecord[] {
    const { pacer } = this.#parts;
    const records =
      selection.ids === undefined
        ? [...pacer.desk.records()]
        : selection.ids.flatMap((id) => this.#find(id));
    return records.filter((record) =>
      this.#matches(
        { ...selection, ids: [record.queueId] },
        { ...record, providers: this.#parts.providersOf(record.recipients) },
      ),
    );
  }

  /** By its id, a former one, or the one the application saw. */
  #find(id: string): readonly HeldRecord[] {
    const { pacer, successors } = this.#parts;
    const direct = pacer.desk.record(id);
    if (direct !== undefined) return [direct];
    const now = new Set(successors(id));
    return [...pacer.desk.records()].filter(
      ({ queueId, formerIds }) => now.has(queueId) || formerIds.includes(id),
    );
  }

  #missing({ ids = [] }: Selection): { readonly queueId: string; readonly why: string }[] {
    const { others } = this.#parts.pacer.reconcile;
    return ids
      .filter((id) => this.#find(id).length === 0)
      .map((queueId) => ({
        queueId,
        why: others.has(queueId)
          ? 'not held by postpace; `held adopt` makes it ours'
          : 'not held by postpace',
      }));
  }

  #matches(
    { ids, provider, sender }: Selection,
    held: {
      readonly queueId: string;
      readonly providers: readonly string[];
      readonly sender: string;
    },
  ): boolean {
    if (ids !== undefined && !ids.includes(held.queueId)) return false;
    if (provider !== undefined && !held.providers.includes(this.#parts.canonical(provider))) {
      return false;
    }
    return sender === undefined || sender.toLowerCase() === held.sender.toLowerCase();
  }
}

function isActive(report: ProviderReport): boolean {
  return (
    report.held > 0 ||
    report.sent.day > 0 ||
    report.inFlight > 0 ||
    report.trouble !== null ||
    report.suspended !== null ||
    report.passUntil !== null ||
    report.limitsFrom === 'override'
  );
}
