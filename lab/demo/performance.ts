/** The burst from the first mail until nothing waits any more, shown as it goes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { nowMs } from '../wait.ts';
import { Admissions } from './admissions.ts';
import { CAST } from './cast.ts';
import type { Screen } from './screen.ts';
import { membersOf, snapshot } from './snapshot.ts';
import { SENDER, type Stage } from './stage.ts';

export interface Performance {
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** undefined: without postpace. */
  readonly admissions: Admissions | undefined;
  /** Mails that Postfix still has. */
  readonly waiting: number;
  readonly bounces: number;
}

const TICK_MS = 1000;
/** Beyond what the arithmetic says, for a busy machine. */
const GRACE_MS = 90_000;

/** Rejects when interrupted, or when something that must run has ended. */
export async function perform(
  stage: Stage,
  screen: Screen,
  interrupt: AbortSignal,
): Promise<Performance> {
  const startedAtMs = nowMs();
  const admissions =
    stage.postpace === undefined ? undefined : new Admissions(stage.postpace.stateDir);
  const deadlineMs = startedAtMs + longestMs(stage) + GRACE_MS;
  const application = stage.sendAll();
  let queued = Infinity;
  while (queued > 0 && nowMs() < deadlineMs) {
    await sleep(TICK_MS, undefined, { signal: interrupt });
    await admissions?.read();
    const now = await snapshot(stage, startedAtMs);
    screen.show(now);
    const arrived = now.providers.reduce((sum, one) => sum + one.sent + one.refused, 0);
    // Listing a long queue costs Postfix some work: only when it may be empty.
    const { length: answered } = stage.sent;
    if (answered === now.mails && arrived >= now.accepted)
      queued = (await stage.postfix.postqueue()).length;
  }
  await application;
  // Whatever would arrive twice has time to do so.
  await sleep(TICK_MS, undefined, { signal: interrupt });
  await admissions?.read();
  const waiting = (await stage.postfix.postqueue()).length;
  const bounces = (await stage.postfix.mailbox(SENDER)).length;
  const last = Math.max(
    startedAtMs,
    ...[...stage.sinks.values()].flatMap((sink) => [
      sink.deliveries.at(-1)?.atMs ?? 0,
      sink.refusals.at(-1)?.atMs ?? 0,
    ]),
  );
  return { startedAtMs, endedAtMs: last, admissions, waiting, bounces };
}

/** When the arithmetic of the limits lets the last one go. */
export function longestMs(stage: Stage): number {
  const totals = membersOf(stage.options.mails);
  const times = CAST.map(
    ({ id, perMinute }) => ((totals.get(id) ?? 0) / perMinute) * stage.windowMs,
  );
  return Math.max(...times);
}
