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

/** What became of what was handed in: counted, since a file may have a million lines. */
export class Taken {
  #reports = 0;
  #none = 0;
  #events = 0;
  readonly #outcomes = { moved: 0, counted: 0, told: 0, ignored: 0 };

  get isEmpty(): boolean {
    return this.#reports === 0;
  }

  add({ kind, events }: Pick<IngestReport, 'kind' | 'events'>): void {
    this.#reports += 1;
    if (kind === 'none') this.#none += 1;
    this.#events += events.length;
    for (const { outcome } of events) this.#outcomes[outcome] += 1;
  }

  /** In a sentence. */
  text(): string {
    const { moved, counted, told, ignored } = this.#outcomes;
    return [
      `${this.#reports} read, ${this.#events} event${this.#events === 1 ? '' : 's'}:`,
      `${moved} moved a limit, ${counted} counted, ${told} told,`,
      `${ignored} ignored; ${this.#none} no report.`,
    ].join(' ');
  }
}

function cameOf({ outcome, why }: FeedbackEventReport): string {
  return why === null ? outcome : `${outcome}: ${why}`;
}

function noteOf({ queueId, recipient, reply }: FeedbackEventReport): string {
  const about = [queueId, recipient].filter((each) => each !== null).join(' ');
  return [about, reply].filter((each) => each !== '').join(': ');
}
