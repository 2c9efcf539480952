/**
 * Outcome -> what becomes of a provider's limits. Pure: the standing, the event, the settings and the
 * time in; the new standing and what to tell out. Nothing happened: the same standing, no word.
 */
import { factorAt, isBack } from './climb.ts';
import { isConfident } from './confidence.ts';
import { fewer } from './places.ts';
import { isOut, opened, passes, probed, stopAt, suspended } from './probe.ts';
import { MOST_JUDGED, REMEMBERED, type Judgement, type Standing } from '../limit/standing.ts';
import type { ControlSettings } from './control-settings.ts';
import type { Outcome, OutcomeEvent, Refused } from './outcome-event.ts';

export interface Adjusted {
  readonly standing: Standing;
  /** What was done; undefined: nothing that an operator has to know. */
  readonly done: Done | undefined;
}

export type Done = 'crowded' | 'tightened' | 'suspended' | 'suspended longer' | 'step' | 'opened';

const DAY_MS = 24 * 3_600_000;
/** Judged again so often in one episode: it is the mail, not the rate. */
const JUDGED_TO_SUSPEND = 3;
/** With a warning on its way so long, it was sent before that could be known. */
const UNDER_WAY_MS = 5 * 60_000;

/** Rejects nothing: every event has an answer in every state. */
export function adjust(
  standing: Standing,
  event: OutcomeEvent,
  settings: ControlSettings,
  nowMs: number,
): Adjusted {
  const toldMs = event.kind === 'judged' ? (event.reportedMs ?? event.leftMs) : event.leftMs;
  if (toldMs < nowMs - settings.newsMs && event.kind !== 'taken') return same(standing);
  switch (event.kind) {
    case 'slow':
      return slowed(standing, event, settings, nowMs);
    case 'blocked':
      return blocked(standing, event, settings, nowMs);
    case 'judged':
      return judged(standing, event, settings, nowMs);
    case 'taken':
      return taken(standing, event, settings, nowMs);
    case 'crowded':
      return crowded(standing, event, settings, nowMs);
    case 'unclear':
    case 'kept':
      return stopped(standing, probed(standing.stop, event.id, event.kind, nowMs), nowMs);
    case 'probe':
      return stopped(standing, opened(standing.stop, event.id, event.leftMs), nowMs);
    default:
      return event satisfies never;
  }
}

function same(standing: Standing): Adjusted {
  return { standing, done: undefined };
}

function slowed(
  standing: Standing,
  event: Refused,
  settings: ControlSettings,
  nowMs: number,
): Adjusted {
  const tightened = tighten(standing, event, settings, nowMs);
  // A probe that is told to slow down was at least heard.
  const after = stopped(tightened, probed(tightened.stop, event.id, 'unclear', nowMs), nowMs);
  if (tightened === standing) return after;
  return { standing: after.standing, done: 'tightened' };
}

function tighten(
  standing: Standing,
  { id, leftMs, sentPerMin }: Refused,
  settings: ControlSettings,
  nowMs: number,
): Standing {
  const isNew = isBack(standing, settings, nowMs);
  if (leftMs <= standing.sinceMs) return standing;
  if (!isNew && standing.episode.includes(id)) return standing;
  const { ceilingPerMin, floorPerMin } = settings;
  const inForce = factorAt(standing, settings, nowMs) * ceilingPerMin;
  const rate = Math.max(floorPerMin, sentPerMin > 0 ? Math.min(inForce, sentPerMin) : inForce);
  // While it is still cross with us it says so at any rate: the wall gives way slowly then.
  const old = isNew ? undefined : standing.wall;
  const wall = { perMin: old === undefined ? rate : Math.max(rate, old.perMin * 0.7), atMs: nowMs };
  const factor = Math.min(1, Math.max(floorPerMin, rate / 2) / ceilingPerMin);
  const episode = isNew ? [id] : [...standing.episode, id].slice(-REMEMBERED);
  const epoch = standing.epoch + 1;
  return { ...standing, epoch, factor, sinceMs: nowMs, worthMs: 0, wall, episode };
}

function blocked(
  standing: Standing,
  event: Refused & { readonly holdMs?: number | undefined; readonly keepsRate?: boolean },
  settings: ControlSettings,
  nowMs: number,
): Adjusted {
  const isProbe = isOut(standing.stop, event.id);
  // Opened by time alone, and nobody has said so yet: no stop any more.
  const isStopped = stopAt(standing.stop, nowMs) !== undefined;
  const sinceMs = heedsSinceMs(standing, settings);
  if (!isProbe && (isStopped || event.leftMs <= sinceMs)) return same(standing);
  const times = (standing.stop?.times ?? 0) + 1;
  const keepsRate = isProbe || event.keepsRate === true;
  const tightened = keepsRate ? standing : tighten(standing, event, settings, nowMs);
  const firstMs = (event.holdMs ?? settings.suspendMs) / settings.scale;
  const longestMs = settings.longestSuspensionMs / settings.scale;
  const depth = event.depth ?? standing.stop?.depth;
  const stop = { ...suspended(times, firstMs, longestMs, nowMs), depth };
  // As long as it blocks us it says so: the wall is as new as the last block.
  const wall = tightened.wall && { ...tightened.wall, atMs: nowMs };
  return {
    standing: { ...tightened, epoch: standing.epoch + 1, sinceMs: nowMs, wall, stop },
    done: times === 1 ? 'suspended' : 'suspended longer',
  };
}

/**
 * What left before it may not stop it. Mail that was under way at a warning says no less by being
 * blocked; what left before it was opened, or set back by an operator, does.
 */
function heedsSinceMs({ wall, sinceMs, stop }: Standing, { scale }: ControlSettings): number {
  return stop === undefined && wall?.atMs === sinceMs ? sinceMs - UNDER_WAY_MS / scale : sinceMs;
}

function judged(
  standing: Standing,
  event: OutcomeEvent & { readonly kind: 'judged' },
  settings: ControlSettings,
  nowMs: number,
): Adjusted {
  const { stop } = standing;
  // A probe that comes no further than those that were blocked says that we still are.
  const isBlocked = isOut(stop, event.id) && !passes(stop, event.depth ?? 0);
  if (isBlocked && event.reportedMs === undefined) return blocked(standing, event, settings, nowMs);
  const probe = probed(stop, event.id, 'unclear', nowMs);
  const dayMs = DAY_MS / settings.scale;
  const recent = standing.judged.filter(({ atMs }) => atMs > nowMs - dayMs);
  // A report may say once more what the log has said of the message.
  const isKnown = standing.episode.includes(event.id) && !isBack(standing, settings, nowMs);
  if (isKnown || recent.some(({ id }) => id === event.id)) return stopped(standing, probe, nowMs);
  const all: readonly Judgement[] = [...recent, { id: event.id, atMs: nowMs }].slice(-MOST_JUDGED);
  const noted = { ...stopped(standing, probe, nowMs).standing, judged: all };
  const told = { ...noted, epoch: standing.epoch + 1 };
  const isSilent = event.deliveredSince === 0 && !isTakenSince(standing, recent.at(-1));
  const isMuch = isConfident(all.length, event.deliveredDay, settings.judgedShare);
  const counts = event.deliveredDay === 0 || (all.length > 1 && (isSilent || isMuch));
  if (!counts || standing.stop !== undefined) return { standing: told, done: undefined };
  const isLately = standing.wall !== undefined && standing.sinceMs > nowMs - dayMs;
  const isAgain = isLately && event.leftMs > standing.sinceMs;
  if (isAgain && all.filter(({ atMs }) => atMs > standing.sinceMs).length >= JUDGED_TO_SUSPEND) {
    return blocked(told, event, settings, nowMs);
  }
  const after = tighten(told, event, settings, nowMs);
  return { standing: after, done: after === told ? undefined : 'tightened' };
}

function taken(
  standing: Standing,
  event: OutcomeEvent & { readonly kind: 'taken' },
  settings: ControlSettings,
  nowMs: number,
): Adjusted {
  const outcome = passes(standing.stop, event.depth) ? 'taken' : 'unclear';
  const heard = heardSince(standing, event.leftMs, nowMs);
  const step = stopped(heard, probed(standing.stop, event.id, outcome, nowMs), nowMs);
  if (standing.wall === undefined || event.leftMs <= step.standing.sinceMs) return step;
  const { ceilingPerMin, steadyPerMin = ceilingPerMin } = settings;
  // Who uses up his quotas is at his limit, however far the pace goes beyond: no mail could earn more.
  const inForce = factorAt(standing, settings, nowMs) * Math.min(ceilingPerMin, steadyPerMin);
  const earnedMs = standing.worthMs + (event.recipients / inForce) * 60_000;
  const worthMs = Math.min(earnedMs, nowMs - standing.sinceMs);
  return { ...step, standing: { ...step.standing, epoch: standing.epoch + 1, worthMs } };
}

/** Whichever host it was that had mail taken after a judgement: the first time, all are told. */
function heardSince(standing: Standing, leftMs: number, nowMs: number): Standing {
  const last = standing.judged.at(-1);
  if (last === undefined || leftMs <= last.atMs || isTakenSince(standing, last)) return standing;
  return { ...standing, epoch: standing.epoch + 1, takenMs: nowMs };
}

function isTakenSince({ takenMs = -Infinity }: Standing, last: Judgement | undefined): boolean {
  return takenMs > (last?.atMs ?? -Infinity);
}

function crowded(
  standing: Standing,
  event: Outcome & { readonly inFlight: number },
  { scale }: ControlSettings,
  nowMs: number,
): Adjusted {
  const heard = stopped(standing, probed(standing.stop, event.id, 'unclear', nowMs), nowMs);
  // Those that were under way together are refused together.
  if (event.leftMs <= (standing.places?.sinceMs ?? -Infinity)) return heard;
  const places = fewer(standing.places, event.inFlight, scale, nowMs);
  const epoch = standing.epoch + 1;
  return { standing: { ...heard.standing, epoch, places }, done: 'crowded' };
}

/** The stop as it is now; `undefined` stop after a stop: open again. */
function stopped(standing: Standing, stop: Standing['stop'], nowMs: number): Adjusted {
  const before = standing.stop;
  if (stop === before) return same(standing);
  const epoch = standing.epoch + 1;
  if (stop === undefined) {
    return { standing: { ...standing, epoch, stop, sinceMs: nowMs, worthMs: 0 }, done: 'opened' };
  }
  const isStep = stop.phase === 'probing' && before?.phase === 'probing' && stop.step > before.step;
  return { standing: { ...standing, epoch, stop }, done: isStep ? 'step' : undefined };
}
