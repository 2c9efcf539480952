/** Held mail as text. */
import type { HeldReport } from '../control/api.ts';
import { clock, due, moment, span } from './moment.ts';
import { table, type Column } from './table.ts';
import { wrap } from './width.ts';

const COLUMNS: readonly Column[] = [
  { title: 'ID' },
  { title: 'AGE', align: 'right' },
  { title: 'FROM', shrinkTo: 12 },
  { title: 'TO', shrinkTo: 12 },
  { title: 'PROVIDER', shrinkTo: 6 },
  { title: 'LEAVES' },
  { title: 'LANE', under: true },
  { title: 'WHY', under: true },
];

/** A row a message, in the daemon's order; at most `width` columns. */
export function heldTable(
  reports: readonly HeldReport[],
  nowMs: number,
  width: number,
): readonly string[] {
  const rows = reports.map((each) => ({
    cells: [
      each.queueId,
      span(nowMs - each.arrivedAt),
      sender(each),
      recipients(each),
      each.providers.join('+') || '-',
      leaves(each, nowMs),
      each.lane,
      each.why,
    ],
  }));
  return table(COLUMNS, rows, width);
}

/** Everything about one message, a line each. */
export function heldDetails(report: HeldReport, nowMs: number, width: number): readonly string[] {
  const facts: (readonly [string, string])[] = [
    ['id', report.queueId],
    ['before', report.formerIds.join(', ')],
    ['held by', owner(report)],
    ['from', sender(report)],
    ['login', report.login ?? ''],
    ['to', report.recipients.join(', ')],
    ['provider', report.providers.join(', ')],
    ['lane', report.lane],
    ['arrived', moment(report.arrivedAt, nowMs)],
    ['held', moment(report.heldAt, nowMs)],
    ['why', report.why],
    ['now', report.senderLimit ? 'waits for its sender limit' : ''],
    ['leaves', whenItLeaves(report, nowMs)],
    ['at most', report.expiresAt === null ? '' : `until ${moment(report.expiresAt, nowMs)}`],
    ['deferred', report.deferrals === 0 ? '' : times(report.deferrals)],
  ];
  return facts
    .filter(([, value]) => value !== '')
    .flatMap(([name, value]) => {
      const [first, ...rest] = wrap(value, width, ' '.repeat(10));
      return [`${name.padEnd(9)} ${(first ?? '').trimStart()}`, ...rest];
    });
}

function owner(report: HeldReport): string {
  switch (report.owner) {
    case 'ours':
      return 'postpace';
    case 'foreign':
      return 'something else (a header or access rule, another milter, or by hand): not touched';
    case 'unclaimed':
      return 'unknown, no log evidence: postpace held adopt makes it ours';
    default:
      return report.owner satisfies never;
  }
}

function sender(report: HeldReport): string {
  return report.sender === '' ? '<>' : report.sender;
}

function recipients(report: HeldReport): string {
  const [first, ...others] = report.recipients;
  return others.length === 0 ? (first ?? '-') : `${first} +${others.length}`;
}

function leaves(report: HeldReport, nowMs: number): string {
  if (report.owner !== 'ours') return report.owner;
  if (report.notBefore !== null) return `after ${clock(report.notBefore, nowMs)}`;
  if (report.leavesAt === null) return 'unknown';
  return report.leavesAt <= nowMs ? 'now' : clock(report.leavesAt, nowMs);
}

function whenItLeaves({ leavesAt, notBefore }: HeldReport, nowMs: number): string {
  if (notBefore !== null)
    return `when its provider takes mail again, not before ${moment(notBefore, nowMs)}`;
  return leavesAt === null ? '' : due(leavesAt, nowMs);
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}
