/**
 * A provider with a hidden rule, a sender that always has mail, and the control between them, for
 * days, in virtual time. Mail leaves by the same arithmetic as in the store.
 */
import { adjust } from '../../src/feedback/adjust.ts';
import type { OutcomeEvent } from '../../src/feedback/outcome-event.ts';
import { factorAt } from '../../src/feedback/climb.ts';
import { mayLeave, nextLookMs } from '../../src/feedback/probe.ts';
import { CONTROL_DEFAULTS } from '../../src/feedback/control-settings.ts';
import { UNTROUBLED, type Standing } from '../../src/limit/standing.ts';
import { scaled } from '../../src/limit/factor.ts';
import type { Limits } from '../../src/limit/limits.ts';
import { admit, type PaceState } from '../../src/limit/pace.ts';

export type Answer = 'taken' | 'slow' | 'blocked' | 'judged';

/** Answers a message that comes at `atMs`. */
export type Provider = (atMs: number) => Answer;

export interface World {
  readonly limits: Limits & { readonly pace: NonNullable<Limits['pace']> };
  readonly provider: Provider;
  readonly untilMs: number;
  /** When the next message is there; default: there is always one. */
  readonly nextMs?: (nowMs: number) => number;
  readonly observe?: (atMs: number, answer: Answer, standing: Standing) => void;
}

const LATENCY_MS = 1000;
/** As in the configuration: so many without an outcome at once. */
const IN_FLIGHT = 5;
/** As in the configuration: after a deferral one at a time, so long apart. */
const RETRY_MS = 60_000;

export function live({ limits, provider, untilMs, nextMs, observe }: World): Standing {
  const { count, windowUs } = limits.pace;
  const settings = { ...CONTROL_DEFAULTS, ceilingPerMin: (count * 60e6) / windowUs };
  let standing = UNTROUBLED;
  let pace: PaceState | undefined;
  let nowMs = 0;
  let quietUntilMs = 0;
  const recent: number[] = [];
  const outcomes: { readonly atMs: number; readonly run: () => void }[] = [];
  const tell = (event: OutcomeEvent): void => {
    standing = adjust(standing, event, settings, nowMs).standing;
  };
  for (let id = 1; nowMs < untilMs; id += 1) {
    // What is to come before the next message may leave.
    let atMs = Math.max(nextMs?.(nowMs) ?? nowMs, quietUntilMs);
    for (;;) {
      while ((outcomes[0]?.atMs ?? Infinity) <= atMs) {
        const next = outcomes.shift()!;
        nowMs = Math.max(nowMs, next.atMs);
        next.run();
        atMs = Math.max(atMs, quietUntilMs);
      }
      nowMs = Math.max(nowMs, atMs);
      const inForce = scaled(limits, factorAt(standing, settings, nowMs));
      if (outcomes.length >= IN_FLIGHT) {
        atMs = outcomes[0]!.atMs;
        continue;
      }
      if (mayLeave(standing.stop, nowMs) === 0) {
        atMs = Math.min(nextLookMs(standing.stop), outcomes[0]?.atMs ?? Infinity);
        continue;
      }
      const admitted = admit(pace, inForce.pace!, 1, Math.ceil(nowMs * 1e3));
      if (admitted.ok) {
        pace = admitted.state;
        break;
      }
      // Looked at again each second at the latest: the factor climbs meanwhile.
      atMs = Math.min(admitted.retryAtUs / 1e3, nowMs + 1000);
    }
    const leftMs = nowMs;
    tell({ kind: 'probe', id: String(id), leftMs });
    while (recent.length > 0 && recent[0]! <= leftMs - 60_000) recent.shift();
    recent.push(leftMs);
    const sentPerMin = recent.length;
    const answer = provider(leftMs);
    outcomes.push({
      atMs: leftMs + LATENCY_MS,
      run: () => {
        const outcome = { id: String(id), leftMs };
        if (answer === 'taken') tell({ ...outcome, kind: 'taken', recipients: 1 });
        else if (answer === 'judged') {
          tell({ ...outcome, kind: 'judged', sentPerMin, deliveredDay: 0, deliveredSince: 0 });
        } else tell({ ...outcome, kind: answer, sentPerMin });
        if (answer === 'slow') quietUntilMs = nowMs + RETRY_MS;
        observe?.(nowMs, answer, standing);
      },
    });
  }
  return standing;
}
