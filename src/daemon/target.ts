/** What the control socket's verbs do. */
import { setImmediate } from 'node:timers/promises';
import {
  ControlError,
  type AdjustmentReport,
  type ControlTarget,
  type Counted,
  type ExplainReport,
  type FeedbackListReport,
  type HeldReport,
  type Ingest,
  type IngestReport,
  type LimitsChange,
  type ProviderReport,
  type Selection,
  type StatusReport,
} from '../control/api.ts';
import { EVERY } from '../pace/gate.ts';
import type { PaceLog } from '../pace/log.ts';
import type { Store } from '../store/store.ts';
import { explain } from './explain.ts';
import type { FeedbackVerbs } from './feedback-verbs.ts';
import { HeldVerbs } from './held-verbs.ts';
import { Operator } from './operator.ts';
import { providerReport, type ReportParts, shelfOf } from './reports.ts';
import { rowsOf } from './rows.ts';

export interface TargetParts extends ReportParts {
  readonly store: Store;
  readonly log: PaceLog;
  readonly feedbackVerbs: Pick<FeedbackVerbs, 'list' | 'ingest'>;
  /** A provider's id, from that id or a domain of its. */
  readonly canonical: (provider: string) => string;
  readonly because: (recipient: string) => {
    readonly provider: string | undefined;
    readonly because: string;
  };
  /** Looks up who stays here, before `because` is asked. */
  readonly prepare: (recipients: readonly string[]) => Promise<void> | undefined;
  /** Ids that a queue id the application saw stands for now (split set-up). */
  readonly successors: (queueId: string) => readonly string[];
  readonly named: () => readonly string[];
  readonly header: () => Pick<
    StatusReport,
    'version' | 'pid' | 'startedAt' | 'store' | 'split' | 'mode' | 'log' | 'postfix' | 'warnings'
  >;
  readonly config: () => unknown;
  readonly reload: () => Promise<void>;
}

/** Reports written before other work gets its turn. */
const SLICE = 50;

export class Target implements ControlTarget {
  readonly #parts: TargetParts;
  readonly #operator: Operator;
  readonly #held: HeldVerbs;

  constructor(parts: TargetParts) {
    this.#parts = parts;
    this.#operator = new Operator(parts);
    this.#held = new HeldVerbs(parts);
  }

  async status(provider?: string): Promise<StatusReport> {
    const { clock, pacer, header } = this.#parts;
    const nowUs = clock.nowUs();
    const all = pacer.is.gate.controls.get(EVERY)?.pass;
    const others = [...pacer.is.reconcile.others.values()];
    return {
      ...header(),
      now: Math.round(clock.nowMs()),
      held: {
        ours: pacer.is.desk.size,
        foreign: others.filter(({ owner }) => owner === 'foreign').length,
        unclaimed: others.filter(({ owner }) => owner === 'unclaimed').length,
      },
      passAllUntil:
        all !== undefined && (all.untilUs ?? Infinity) > nowUs
          ? Math.round((all.untilUs ?? 0) / 1000)
          : null,
      ...(await this.#rows(provider)),
    };
  }

  async limits(provider?: string): Promise<readonly ProviderReport[]> {
    return (await this.#rows(provider)).providers;
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

  held(selection: Selection): Promise<readonly HeldReport[]> {
    return this.#held.list(selection);
  }

  releaseHeld(selection: Selection, by: string): Promise<Counted> {
    return this.#held.release(selection, by);
  }

  async reconcile(): Promise<void> {
    if (!(await this.#parts.pacer.compare())) {
      throw new ControlError(503, this.#parts.pacer.troubles.join('; '));
    }
  }

  async feedback(provider: string | undefined, most: number): Promise<FeedbackListReport> {
    const { feedbackVerbs, canonical } = this.#parts;
    return feedbackVerbs.list(provider === undefined ? undefined : canonical(provider), most);
  }

  ingest(what: Ingest): Promise<IngestReport> {
    return this.#parts.feedbackVerbs.ingest(what);
  }

  async adoptHeld(ids: readonly string[], by: string): Promise<Counted> {
    await this.reconcile();
    const missing = new Set(await this.#parts.pacer.is.reconcile.adopt(ids, by));
    return {
      done: ids.filter((id) => !missing.has(id)),
      failed: [...missing].map((queueId) => ({
        queueId,
        why: this.#parts.pacer.is.desk.record(queueId)
          ? 'it is ours already'
          : 'not in the hold queue',
      })),
    };
  }

  async #rows(provider?: string): Promise<Pick<StatusReport, 'providers' | 'unlisted'>> {
    if (provider !== undefined) {
      const one = await providerReport(this.#parts, this.#parts.canonical(provider));
      return { providers: [one], unlisted: { providers: 0, held: 0 } };
    }
    const shelf = shelfOf(this.#parts);
    const { names, unlisted } = await rowsOf(this.#parts, shelf);
    const providers = [];
    for (const name of names) {
      const report = await providerReport(this.#parts, name, shelf);
      if (isActive(report)) providers.push(report);
      if (providers.length % SLICE === SLICE - 1) await setImmediate();
    }
    return { providers, unlisted };
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
