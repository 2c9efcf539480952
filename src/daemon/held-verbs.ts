/** Listing and releasing what is held. */
import { setImmediate } from 'node:timers/promises';
import type { Counted, HeldReport, Selection } from '../control/api.ts';
import type { HeldRecord } from '../pace/item.ts';
import { heldReport, otherReport, positionsIn } from './held-report.ts';
import type { TargetParts } from './target.ts';

/** Reports written before other work gets its turn. */
const SLICE = 100;

export class HeldVerbs {
  readonly #parts: TargetParts;

  constructor(parts: TargetParts) {
    this.#parts = parts;
  }

  async list(selection: Selection): Promise<readonly HeldReport[]> {
    const { pacer } = this.#parts;
    const ours = this.#select(selection);
    const providers = new Set(
      ours.flatMap((one) => this.#parts.providersOf(one.recipients, one.grouped)),
    );
    const positions = positionsIn(this.#parts, providers);
    const reports = [];
    for (const record of ours) {
      if (reports.length % SLICE === SLICE - 1) await setImmediate();
      reports.push(await heldReport(this.#parts, record, positions));
    }
    const others = [...pacer.is.reconcile.others.values()]
      .map((other) => otherReport(this.#parts, other))
      .filter((report) => this.#matches(selection, report));
    return [...reports, ...others];
  }

  async release(selection: Selection, by: string): Promise<Counted> {
    const { pacer } = this.#parts;
    const done: string[] = [];
    const failed = this.#missing(selection);
    for (const record of this.#select(selection)) {
      done.push(record.queueId);
      // It leaves already, and was charged for that.
      if (pacer.is.departures.pending(record.queueId)) continue;
      pacer.is.outcomes.charge(record);
      pacer.is.desk.release(record);
      pacer.is.departures.leave({ ...record, why: `released by ${by}` });
    }
    return Promise.resolve({ done, failed });
  }

  #select(selection: Selection): readonly HeldRecord[] {
    const { pacer } = this.#parts;
    const records =
      selection.ids === undefined
        ? [...pacer.is.desk.records()]
        : selection.ids.flatMap((id) => this.#find(id));
    // One message may have been asked for by several of its names.
    return [...new Set(records)].filter((record) =>
      this.#matches(
        { ...selection, ids: [record.queueId] },
        { ...record, providers: this.#parts.providersOf(record.recipients, record.grouped) },
      ),
    );
  }

  /** By its id, a former one, or the one the application saw. */
  #find(id: string): readonly HeldRecord[] {
    const { pacer, successors } = this.#parts;
    const direct = pacer.is.desk.record(id);
    if (direct !== undefined) return [direct];
    const now = new Set(successors(id));
    return [...pacer.is.desk.records()].filter(
      ({ queueId, formerIds }) => now.has(queueId) || formerIds.includes(id),
    );
  }

  #missing({ ids = [] }: Selection): { readonly queueId: string; readonly why: string }[] {
    const { others } = this.#parts.pacer.is.reconcile;
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
