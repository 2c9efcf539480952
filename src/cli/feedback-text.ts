/** What feedback heard, as text. */
import type { FeedbackEventReport, FeedbackListReport, IngestReport } from '../control/api.ts';
import { clock } from './moment.ts';
import { table, type Column } from './table.ts';

const COLUMNS: readonly Column[] = [
  { title: 'WHEN' },
  { title: 'BY' },
  { title: 'PROVIDER', shrinkTo: 8 },
  { title: 'CATEGORY' },
  { title: 'GROUP', under: true },
  { title: 'BLAMES', under: true },
  { title: 'PROOF' },
  { title: 'CAME OF IT' },
];

/** A row an event, newest first, with its reply below; then the counts. */
export function feedbackTable(
  { since, counts, events }: FeedbackListReport,
  nowMs: number,
  width: number,
): readonly string[] {
  const rows = events.map((event) => ({
    cells: [
      clock(event.at, nowMs),
      event.source,
      event.provider ?? '-',
      event.category,
      event.group,
      event.blames,
      event.trust === 'unproven' ? 'none' : event.trust,
      cameOf(event),
    ],
    notes: [noteOf(event)].filter((note) => note !== ''),
  }));
  const counted = Object.entries(counts).map(([name, many]) => `  ${many} ${name}`);
  return [
    ...(rows.length === 0 ? ['Nothing was heard yet.'] : table(COLUMNS, rows, width)),
    ...(counted.length === 0 ? [] : ['', `Since ${clock(since, nowMs)}:`, ...counted]),
  ];
}

/** What became of what was handed in, in a sentence. */
export function takenText(reports: readonly IngestReport[]): string {
  const events = reports.flatMap((report) => report.events);
  const many = (outcome: FeedbackEventReport['outcome']) =>
    events.filter((event) => event.outcome === outcome).length;
  const none = reports.filter(({ kind }) => kind === 'none').length;
  return [
    `${reports.length} read, ${events.length} event${events.length === 1 ? '' : 's'}:`,
    `${many('moved')} moved a limit, ${many('counted')} counted, ${many('told')} told,`,
    `${many('ignored')} ignored; ${none} no report.`,
  ].join(' ');
}

function cameOf({ outcome, why }: FeedbackEventReport): string {
  return why === null ? outcome : `${outcome}: ${why}`;
}

function noteOf({ queueId, recipient, reply }: FeedbackEventReport): string {
  const about = [queueId, recipient].filter((each) => each !== null).join(' ');
  return [about, reply].filter((each) => each !== '').join(': ');
}
