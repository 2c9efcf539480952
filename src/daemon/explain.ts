/** Why a mail waits and until when, or what would become of one, in sentences. */
import type { ExplainReport, HeldReport, ProviderReport } from '../control/api.ts';
import { formatDuration } from '../limit/rate.ts';
import type { HeldRecord } from '../pace/item.ts';
import { heldReport, otherReport, positionsIn } from './held-report.ts';
import { providerReport } from './reports.ts';
import type { TargetParts } from './target.ts';
import { localTime } from './time.ts';

export async function explain(parts: TargetParts, query: string): Promise<ExplainReport> {
  return query.includes('@') || query.includes('.')
    ? explainRecipient(parts, query)
    : explainMessage(parts, query);
}

async function explainRecipient(parts: TargetParts, query: string): Promise<ExplainReport> {
  const recipient = query.includes('@') ? query : `postmaster@${query}`;
  await parts.prepare([recipient]);
  const { provider: id, because } = parts.because(recipient);
  if (id === undefined) {
    const sentences = [`Mail to ${query} ${because}: it is never held.`];
    return { query, sentences, provider: null, because, message: null };
  }
  const provider = await providerReport(parts, id);
  const sentences = [
    `Mail to ${query} counts for ${provider.provider} (${because}).`,
    ...about(parts, provider),
  ];
  return { query, sentences, provider, because, message: null };
}

async function explainMessage(parts: TargetParts, query: string): Promise<ExplainReport> {
  const { pacer, successors } = parts;
  const now = new Set(successors(query));
  const records = [...pacer.is.desk.records()].filter(
    ({ queueId, formerIds }) => queueId === query || formerIds.includes(query) || now.has(queueId),
  );
  const [record] = records;
  if (record !== undefined) return explainHeld(parts, query, record, records.length);
  const other = pacer.is.reconcile.others.get(query);
  if (other !== undefined) {
    const message = otherReport(parts, other);
    const sentences = [
      `${query} is in hold, and not by postpace: ${other.why}. It is left alone.`,
      other.owner === 'unclaimed'
        ? `If it is postpace's, \`postpace held adopt ${query}\` makes it leave at its provider's pace.`
        : `\`postsuper -H ${query}\` releases it.`,
    ];
    return { query, sentences, provider: null, because: other.why, message };
  }
  return explainGone(parts, query, now);
}

async function explainHeld(
  parts: TargetParts,
  query: string,
  record: HeldRecord,
  count: number,
): Promise<ExplainReport> {
  const providers = parts.providersOf(record.recipients, record.grouped);
  const message = await heldReport(parts, record, positionsIn(parts, providers));
  const [first] = providers;
  const provider = first === undefined ? null : await providerReport(parts, first);
  const waitsMs = parts.clock.nowMs() - record.heldMs;
  const sentences = [
    `${record.queueId} is held since ${ago(waitsMs)}: ${record.why}.`,
    ...(record.queueId === query ? [] : [`The id ${query} is an earlier name of it.`]),
    ...(count > 1 ? [`${count} messages came of ${query}; this is one of them.`] : []),
    ...(record.deferrals > 0 ? [`Its provider deferred it ${record.deferrals} time(s).`] : []),
    ...(message.senderLimit
      ? ['Its sender limit keeps it: the sender has sent all it may just now, others go on.']
      : []),
    leaves(message, parts.clock.nowMs()),
    ...regrouped(parts, record),
    ...(provider === null ? [] : about(parts, provider)),
  ];
  const because = record.why;
  return { query, sentences, provider, because, message };
}

function explainGone(parts: TargetParts, query: string, now: ReadonlySet<string>): ExplainReport {
  const flying = [query, ...now].map((id) => parts.pacer.is.flights.get(id)).find(Boolean);
  const because = flying === undefined ? 'not known' : 'with Postfix';
  const sentences =
    flying === undefined
      ? [
          `${query} does not wait here: it left, was deleted, or was never held.`,
          `\`grep ${query}\` in the Postfix log tells what became of it.`,
        ]
      : [
          `${query} was let go ${ago(parts.clock.nowMs() - flying.sinceMs)} ago and is with Postfix, ` +
            'without an outcome yet.',
        ];
  return { query, sentences, provider: null, because, message: null };
}

function about({ resolution }: TargetParts, report: ProviderReport): readonly string[] {
  const { limits } = report;
  const rates = [
    ...(limits.pace === null ? [] : [`${limits.pace}, at most ${limits.burst} at once`]),
    ...limits.quotas,
    ...(limits.inFlight === null ? [] : [`${limits.inFlight} in flight`]),
  ];
  const { source } = resolution(report.provider);
  const from = report.limitsFrom === 'override' ? 'set by an operator' : `from: ${source}`;
  const limitText = rates.length === 0 ? 'none' : rates.join('; ');
  return [
    `Limits of ${report.provider}: ${limitText} (${from}).`,
    ...senderLimits(report),
    ...(report.passUntil === null ? [] : ['An operator lets everything to it pass just now.']),
    ...(report.suspended === null ? [] : [`It is suspended: ${report.suspended.why}.`]),
    ...answered(report),
    ...(report.trouble === null
      ? []
      : [`It defers mail, so that one probe at a time goes out; it said: ${report.trouble.reply}`]),
    report.held === 0
      ? 'Nothing waits for it: a message sent now would pass if the pace allows.'
      : `${report.held} message(s) wait for it.`,
  ];
}

/** What its answers hold back, and what releases it. */
function answered({ factor, feedback, configured, limitsFrom }: ProviderReport): readonly string[] {
  if (feedback === null) return [];
  const said = feedback.reply === null ? '' : ` It said: ${feedback.reply}`;
  switch (feedback.phase) {
    case 'suspended':
      return [
        `It blocks us: nothing goes out until ${localTime(feedback.until ?? 0)}, then a first probe.${said}`,
      ];
    case 'probing':
      return [`It blocked us: probes go out, and each that is taken opens it further.${said}`];
    case 'slowed': {
      const whole = limitsFrom === 'override' ? "the operator's limits" : configured.pace;
      return [
        `Slowed to ${Math.round(factor * 1000) / 10} % of ${whole ?? 'its limits'} since ` +
          `${localTime(feedback.since)}: it said slow down at ${feedback.wall ?? 'some rate'}. ` +
          `The limit climbs back by itself as mail is taken.${said}`,
      ];
    }
    case 'crowded':
      return [
        `Fewer messages at once than configured since ${localTime(feedback.since)}: it said that we ` +
          `have too many connections. One more every 6 h.${said}`,
      ];
    default:
      return feedback.phase satisfies never;
  }
}

function senderLimits({ limits, limitedSenders }: ProviderReport): readonly string[] {
  const { perSender } = limits;
  if (perSender === null) return [];
  const { pace, burst, quotas } = perSender;
  const rates = [...(pace === null ? [] : [`${pace}, at most ${burst} at once`]), ...quotas];
  const { senders, held } = limitedSenders;
  return [
    `Sender limit, for each sender by itself: ${rates.join('; ')}.`,
    ...(senders === 0
      ? []
      : [`${senders} sender(s) reached it, for which ${held} message(s) wait; others pass them.`]),
  ];
}

/** Destinations that would count for another provider if the message came now. */
function regrouped({ because }: TargetParts, { grouped = [] }: HeldRecord): readonly string[] {
  return grouped.flatMap(([destination, provider]) => {
    const now = because(`postmaster@${destination}`);
    if (now.provider === undefined || now.provider === provider) return [];
    return [
      `It counts for ${provider}, as decided when it came; new mail to ${destination} counts for ` +
        `${now.provider} (${now.because}).`,
    ];
  });
}

function leaves({ leavesAt: atMs, notBefore }: HeldReport, nowMs: number): string {
  if (notBefore !== null) {
    return `It leaves once its provider takes mail again, not before ${localTime(notBefore)}.`;
  }
  if (atMs === null) return 'When it leaves is not known.';
  if (atMs <= nowMs + 1000) return 'It leaves now.';
  return `It leaves in about ${ago(atMs - nowMs)}, at ${localTime(atMs)}.`;
}

function ago(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1000));
  const rounded =
    seconds < 120
      ? seconds
      : seconds < 7200
        ? Math.round(seconds / 60) * 60
        : Math.round(seconds / 3600) * 3600;
  return formatDuration(rounded * 1e6);
}
