/** The status report as text: warnings first, then a row for each provider with what explains it. */
import type { ProviderReport, StatusReport } from '../control/api.ts';
import { due, moment, span } from './moment.ts';
import { lanesNote, limitsNote, stateNotes } from './provider-text.ts';
import { table, type Column } from './table.ts';
import { wrap } from './width.ts';

const COLUMNS: readonly Column[] = [
  { title: 'PROVIDER', shrinkTo: 10 },
  { title: '1 MIN', align: 'right' },
  { title: '1 H', align: 'right' },
  { title: '1 DAY', align: 'right' },
  { title: 'FLIGHT', align: 'right' },
  { title: 'HELD', align: 'right' },
  { title: 'NEXT' },
  { title: 'LAST LEAVES', shrinkTo: 12 },
];

/** Lines of at most `width` columns. Times count from the daemon's `now`. */
export function statusText(report: StatusReport, width: number): readonly string[] {
  const { now, held } = report;
  const lines = [
    ...wrap(
      `postpace ${report.version}, pid ${report.pid}, up ${span(now - report.startedAt)}; ` +
        `mode ${report.mode}; store ${report.store}; ` +
        `log ${report.log.source}: ${report.log.state}`,
      width,
    ),
    ...report.warnings.flatMap((warning) => wrap(`WARNING: ${warning}`, width)),
  ];
  if (report.split !== null) {
    const { since, why } = report.split;
    const alone = 'limits hold for this host by itself, and each host of the pool sends as much';
    lines.push(...wrap(`SPLIT since ${moment(since, now)}: ${why}; ${alone}`, width));
  }
  if (report.passAllUntil !== null) {
    lines.push(
      ...wrap(`EVERYTHING PASSES unpaced until ${moment(report.passAllUntil, now)}`, width),
    );
  }
  const others = [
    ...(held.foreign > 0 ? [`${held.foreign} foreign (not touched)`] : []),
    ...(held.unclaimed > 0 ? [`${held.unclaimed} unclaimed (see held adopt)`] : []),
  ];
  lines.push(...wrap([`held: ${held.ours} ours`, ...others].join(', '), width), '');
  if (report.providers.length === 0) return [...lines, 'No mail in the last day.'];
  const rows = report.providers.map((provider) => providerRow(provider, now));
  const { unlisted } = report;
  const more =
    unlisted.providers === 0
      ? []
      : ['', `and ${unlisted.providers} more destinations with ${unlisted.held} messages held`];
  return [...lines, ...table(COLUMNS, rows, width), ...more];
}

function providerRow(report: ProviderReport, now: number) {
  const { sent, nextRelease, lastRelease } = report;
  const most = report.limits.inFlight;
  const lanes = lanesNote(report);
  return {
    cells: [
      report.provider,
      String(sent.minute),
      String(sent.hour),
      String(sent.day),
      most === null ? String(report.inFlight) : `${report.inFlight}/${most}`,
      String(report.held),
      nextRelease === null ? '-' : nextText(nextRelease - now),
      lastRelease === null ? '-' : due(lastRelease, now),
    ],
    notes: [
      limitsNote(report, now),
      ...stateNotes(report, now),
      ...(lanes === undefined ? [] : [lanes]),
    ],
  };
}

function nextText(awayMs: number): string {
  return awayMs <= 0 ? 'now' : `in ${span(awayMs)}`;
}
