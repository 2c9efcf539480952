/** A provider's state in words, shared by status and limits. */
import type { LimitsReport, ProviderReport, SenderLimitsReport } from '../control/api.ts';
import { moment, until } from './moment.ts';

/** `20/min burst 3, 300/h, 1500/day, 5 in flight`, or `unlimited`. */
export function limitsText(limits: LimitsReport): string {
  const parts = ratesOf(limits);
  if (limits.inFlight !== null) parts.push(`${limits.inFlight} in flight`);
  const own = limits.perSender && `; each sender ${ratesOf(limits.perSender).join(', ')}`;
  return `${parts.length === 0 ? 'unlimited' : parts.join(', ')}${own ?? ''}`;
}

function ratesOf({ pace, burst, quotas }: SenderLimitsReport): string[] {
  if (pace === null) return [...quotas];
  return [burst === null ? pace : `${pace} burst ${burst}`, ...quotas];
}

/** What is in force and where it comes from: `limits 20/min burst 3, by configuration`. */
export function limitsNote(report: ProviderReport, nowMs: number): string {
  const inForce = limitsText(report.limits);
  const configured = limitsText(report.configured);
  const end = report.overrideUntil === null ? '' : ` ${until(report.overrideUntil, nowMs)}`;
  const instead = configured === inForce ? '' : `; configured: ${configured}`;
  return `limits ${inForce}, by ${report.limitsFrom}${end}${instead}`;
}

/** Why this provider's mail does not flow as its limits say, a sentence each; none: it does. */
export function stateNotes(report: ProviderReport, nowMs: number): readonly string[] {
  const notes: string[] = [];
  const { suspended, trouble } = report;
  if (suspended !== null) {
    const why = suspended.why === '' ? '' : `: ${suspended.why}`;
    notes.push(`SUSPENDED ${until(suspended.until, nowMs)}${why}`);
  }
  if (report.passUntil !== null) {
    notes.push(`PASSES unpaced ${until(report.passUntil, nowMs)}`);
  }
  const answered = feedbackNote(report, nowMs);
  if (answered !== undefined) notes.push(answered);
  if (trouble !== null) {
    const probe =
      trouble.nextProbe === null ? '' : `; next probe ${moment(trouble.nextProbe, nowMs)}`;
    notes.push(`TROUBLE since ${moment(trouble.since, nowMs)}: ${trouble.reply}${probe}`);
  }
  const { senders, held } = report.limitedSenders;
  if (senders > 0) {
    notes.push(`SENDER LIMIT reached by ${senders} sender(s), for which ${held} message(s) wait`);
  }
  if (report.mode === 'observe') notes.push('observe mode: nothing is held, only logged');
  if (report.mode === 'tempfail') notes.push('tempfail mode: refused for now, not held');
  return notes;
}

/** What the provider's answers hold back, and what releases it. */
function feedbackNote({ factor, feedback }: ProviderReport, nowMs: number): string | undefined {
  if (feedback === null) return undefined;
  const said = feedback.reply === null ? '' : `: ${feedback.reply}`;
  const since = moment(feedback.since, nowMs);
  switch (feedback.phase) {
    case 'suspended':
      return `BLOCKED since ${since}; first probe ${moment(feedback.until ?? nowMs, nowMs)}${said}`;
    case 'probing':
      return `PROBING: it blocked us, and opens as probes are taken${said}`;
    case 'slowed': {
      const wall = feedback.wall === null ? '' : `, it bore less than ${feedback.wall}`;
      return `SLOWED to ${Math.round(factor * 1000) / 10} % since ${since}${wall}; climbs back as mail is taken${said}`;
    }
    case 'crowded':
      return `CROWDED since ${since}: fewer messages at once, one more every 6 h${said}`;
    default:
      return feedback.phase satisfies never;
  }
}

/** `held: transactional 3, default 580`, in the daemon's order of lanes; undefined: none. */
export function lanesNote(report: ProviderReport): string | undefined {
  const lanes = Object.entries(report.heldByLane).filter(([, count]) => count > 0);
  if (lanes.length === 0) return undefined;
  return `held: ${lanes.map(([lane, count]) => `${lane} ${count}`).join(', ')}`;
}

/** Has it had mail, or anything out of the ordinary, in the last day? */
export function isActive(report: ProviderReport): boolean {
  return (
    report.sent.day > 0 ||
    report.inFlight > 0 ||
    report.held > 0 ||
    report.suspended !== null ||
    report.passUntil !== null ||
    report.trouble !== null ||
    report.feedback !== null ||
    report.limitsFrom === 'override'
  );
}
