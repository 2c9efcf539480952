/**
 * Out of a suspension: when it is over one message may go out, and its outcome is waited for; then
 * two, then four; then all is open again. Pure; times in milliseconds.
 */
import type { Probing, Stop, Suspension } from '../limit/standing.ts';
import { DEEPEST } from './depth.ts';

/** 1, 2 and 4 messages. */
const STEPS = 3;
/** So many outcomes that say nothing make a step all the same: not everybody tells. */
const UNCLEAR_FOR_A_STEP = 3;
/** Without an outcome in this time there will be none. */
export const OUTCOME_MS = 15 * 60_000;

/** The n-th suspension in a row: doubled each time. */
export function suspended(
  times: number,
  firstMs: number,
  longestMs: number,
  nowMs: number,
): Suspension {
  const ms = Math.min(Math.max(firstMs, longestMs), firstMs * 2 ** Math.min(20, times - 1));
  return { phase: 'suspended', untilMs: nowMs + ms, times };
}

/** How many more messages may leave now; Infinity: no stop. */
export function mayLeave(stop: Stop | undefined, nowMs: number): number {
  const now = stopAt(stop, nowMs);
  if (now === undefined) return Infinity;
  return now.phase === 'suspended' ? 0 : roomIn(now);
}

/** When to look again, where nothing may leave; Infinity: an outcome is waited for. */
export function nextLookMs(stop: Stop | undefined): number {
  if (stop === undefined) return 0;
  if (stop.phase === 'suspended') return stop.untilMs;
  return Math.min(Infinity, ...stop.out.map(({ leftMs }) => leftMs + OUTCOME_MS));
}

/** A probe leaves: counted where there is room for it; the same stop where there is none. */
export function opened(stop: Stop | undefined, id: string, leftMs: number): Stop | undefined {
  const now = stopAt(stop, leftMs);
  if (now?.phase !== 'probing' || roomIn(now) === 0 || isOut(now, id)) return now;
  return { ...now, out: [...now.out, { id, leftMs }] };
}

/** Whether the message is a probe that has no outcome yet. */
export function isOut(stop: Stop | undefined, id: string): boolean {
  return stop?.phase === 'probing' && stop.out.some((one) => one.id === id);
}

/**
 * Whether mail that came so far (undefined: it was delivered) came past the point where it was blocked.
 * Where that is not known, only what is delivered did.
 */
export function passes(stop: Stop | undefined, depth: number | undefined): boolean {
  return depth === undefined || depth > (stop?.depth ?? DEEPEST);
}

/** The outcome of a probe; undefined: all is open. Of another message: the same stop. */
export function probed(
  stop: Stop | undefined,
  id: string,
  outcome: 'taken' | 'unclear' | 'kept',
  nowMs: number,
): Stop | undefined {
  const now = stopAt(stop, nowMs);
  if (now?.phase !== 'probing' || !isOut(now, id)) return now;
  const out = now.out.filter((one) => one.id !== id);
  switch (outcome) {
    case 'taken':
      return settled({ ...now, out, taken: now.taken + 1 });
    case 'unclear':
      return settled({ ...now, out, unclear: now.unclear + 1 });
    case 'kept':
      return { ...now, out };
    default:
      return outcome satisfies never;
  }
}

/** A suspension that is over is a first probe; a probe without an outcome for long is unclear. */
export function stopAt(stop: Stop | undefined, nowMs: number): Stop | undefined {
  if (stop === undefined) return undefined;
  if (stop.phase === 'suspended') {
    if (nowMs < stop.untilMs) return stop;
    const { times, depth } = stop;
    return { phase: 'probing', times, depth, step: 0, out: [], taken: 0, unclear: 0, blind: false };
  }
  const out = stop.out.filter(({ leftMs }) => nowMs < leftMs + OUTCOME_MS);
  const silent = stop.out.length - out.length;
  return silent === 0 ? stop : settled({ ...stop, out, unclear: stop.unclear + silent });
}

function settled(stop: Probing): Probing | undefined {
  const size = 2 ** stop.step;
  const isBlind = stop.unclear >= UNCLEAR_FOR_A_STEP && stop.taken < size;
  if (stop.taken < size && !isBlind) return stop;
  if (stop.step + 1 === STEPS) return undefined;
  const { times, depth, step, blind } = stop;
  // Who is still on his way counts for the step that he left in: he is not waited for.
  return {
    phase: 'probing',
    times,
    depth,
    step: step + 1,
    out: [],
    taken: 0,
    unclear: 0,
    blind: blind || isBlind,
  };
}

/** Those that were taken and those that are out; an unclear one may be repeated. */
function roomIn({ step, taken, out }: Probing): number {
  return Math.max(0, 2 ** step - taken - out.length);
}
