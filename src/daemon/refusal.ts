/**
 * Tempfail mode at RCPT: a recipient is let in, kept waiting with PROGRESS, or refused with
 * 451 4.7.1, the reason, the provider and the time of the next chance. Other recipients of the
 * message are not concerned.
 */
import { type ReplyCode, reply } from '../milter/verdict.ts';
import type { Origin } from '../mail/origin.ts';
import type { TargetOf } from '../pace/audience.ts';
import type { Clock } from '../pace/clock.ts';
import type { Caller, DoorAnswer } from '../pace/door.ts';
import type { Cause } from '../pace/gate.ts';
import type { Grouped } from '../pace/item.ts';
import { whyOf } from '../pace/verdict.ts';

/** What was let in of one message. */
export interface Admission {
  readonly id: string;
  readonly providers: Set<string>;
  readonly recipients: string[];
}

export interface DoorKeeper {
  readonly clock: Clock;
  /** Ports where recipients may be refused. */
  readonly ports: () => readonly number[];
  readonly targetOf: TargetOf;
  /** Providers of destinations that none lists, as of now. */
  readonly groupedOf: (recipients: readonly string[]) => Grouped | undefined;
  /** A name for a message that has no queue id yet, unique in the pool. */
  readonly newId: () => string;
  readonly ask: (caller: Caller) => Promise<DoorAnswer>;
  /** The message was not sent, or is held: its in_flight places are free; the rest stays paid. */
  readonly leave: (admission: Admission) => void;
}

/** Well below the 5 s after which Postfix takes the milter for frozen. */
const PROGRESS_MS = 2000;

/** undefined: let in, or not to be refused. Rejects with StoreError. */
export async function atDoor(
  door: DoorKeeper,
  origin: Origin,
  txn: { grouped: Grouped; admitted: Admission | undefined },
  recipient: string,
  { signal, progress }: { readonly signal: AbortSignal; readonly progress: () => void },
): Promise<ReplyCode | undefined> {
  // What DNS says between two recipients of one domain is no concern of this message any more.
  const now = door.groupedOf([recipient]) ?? [];
  const isKnown = txn.grouped.some(([one]) => now[0]?.[0] === one);
  if (!isKnown) txn.grouped = [...txn.grouped, ...now];
  const target = door.targetOf(recipient, txn.grouped);
  if (target?.mode !== 'tempfail') return undefined;
  const { id: provider, member } = target;
  const id = txn.admitted?.id ?? door.newId();
  const timer = setInterval(progress, PROGRESS_MS);
  try {
    const answer = await door.ask({ id, provider, origin, signal, ...(member && { member }) });
    if (answer.kind === 'later') return refusal(answer.cause, answer.atMs, door.clock.nowMs());
    txn.admitted ??= { id, providers: new Set(), recipients: [] };
    txn.admitted.providers.add(provider);
    txn.admitted.recipients.push(recipient);
    return undefined;
  } finally {
    clearInterval(timer);
  }
}

/** `451 4.7.1 pace of outlook; next chance at 2026-11-24T10:35:12Z, in 12 s` */
export function refusal(cause: Cause, atMs: number, nowMs: number): ReplyCode {
  // A client that comes back within the same second would be too early.
  const seconds = Math.max(1, Math.ceil((atMs - nowMs) / 1000));
  const at = new Date(nowMs + seconds * 1000);
  const next = Number.isNaN(at.getTime())
    ? 'when is not known'
    : `next chance at ${at.toISOString().replace(/\.\d+Z$/, 'Z')}, in ${seconds} s`;
  return reply(451, '4.7.1', printable(`${whyOf(cause)}; ${next}`));
}

/** What fails here is refused for now: who comes by the door will come again. */
export function ourRefusal(): ReplyCode {
  return reply(451, '4.7.1', 'postpace cannot decide just now; try again later');
}

function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 400);
}
