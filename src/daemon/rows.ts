/** Which providers a status report has a row for, when there may be ten thousand with mail. */
import { EVERY } from '../pace/gate.ts';
import type { Pacer } from '../pace/pacer.ts';
import type { Store } from '../store/store.ts';
import type { Reported } from './feedback-report.ts';
import type { Shelf } from './reports.ts';

/** Rows at most: more than that nobody reads, and each costs a question to the store. */
export const MOST_ROWS = 200;
/** Destinations without mail waiting at most. */
const QUIET = 20;

export interface Rows {
  readonly names: readonly string[];
  /** Providers with mail waiting that have no row. */
  readonly unlisted: { readonly providers: number; readonly held: number };
}

/**
 * Those in an operator's hand or in trouble, those with a name, those with most mail waiting, and a
 * few that were sent to.
 */
export async function rowsOf(
  parts: {
    readonly pacer: Pacer;
    readonly feedback: Pick<Reported, 'providers'>;
    readonly store: Store;
    readonly named: () => readonly string[];
  },
  shelf: Shelf,
): Promise<Rows> {
  const { scheduler, patients, gate } = parts.pacer.is;
  const held = new Map<string, number>();
  for (const { provider, size } of scheduler.lineUp.queues()) held.set(provider, size);
  for (const [provider, { length }] of shelf)
    held.set(provider, (held.get(provider) ?? 0) + length);
  const names = new Set<string>([
    ...[...gate.controls.keys()].filter((name) => name !== EVERY),
    ...parts.named(),
  ]);
  const byMail = [...held].toSorted(([, one], [, other]) => other - one);
  for (const name of [
    ...patients.providers(),
    ...parts.feedback.providers(),
    ...byMail.map(([provider]) => provider),
  ]) {
    if (names.size >= MOST_ROWS) break;
    names.add(name);
  }
  const left = byMail.filter(([name]) => !names.has(name));
  if (names.size < MOST_ROWS) await addQuiet(parts.store, names);
  return {
    names: [...names],
    unlisted: { providers: left.length, held: left.reduce((sum, [, count]) => sum + count, 0) },
  };
}

async function addQuiet(store: Store, names: Set<string>): Promise<void> {
  let quiet = 0;
  for (const provider of await store.providers()) {
    if (provider === EVERY || names.has(provider)) continue;
    names.add(provider);
    if (++quiet >= QUIET) return;
  }
}
