/** What `feedback list` and `feedback ingest` do. */
import {
  ControlError,
  type FeedbackEventReport,
  type FeedbackListReport,
  type Ingest,
  type IngestReport,
} from '../control/api.ts';
import type { FloodGuard } from '../feedback/flood-guard.ts';
import { readGivenLine } from '../feedback/given-event.ts';
import type { SentBook } from '../feedback/sent-book.ts';
import type { LogEvent } from '../postfix/event.ts';
import { readEvent } from '../postfix/log-grammar.ts';
import { StampReader } from '../postfix/stamp.ts';
import type { FeedbackList } from './feedback-list.ts';
import type { MailFeedback } from './mail-feedback.ts';

export interface FeedbackVerbParts {
  readonly mail: MailFeedback;
  readonly list: FeedbackList;
  readonly guard: FloodGuard;
  readonly sent: Pick<SentBook, 'find' | 'flush'>;
  /** Whether the records are up to date, by which a report is known to be about mail of ours. */
  readonly isReady: () => boolean;
  readonly nowMs: () => number;
  /** undefined: the daemon follows the log by itself. */
  readonly see: ((event: LogEvent) => Promise<void> | undefined) | undefined;
}

type Wrong = IngestReport['wrong'][number];

export class FeedbackVerbs {
  readonly #parts: FeedbackVerbParts;

  constructor(parts: FeedbackVerbParts) {
    this.#parts = parts;
  }

  list(provider: string | undefined, most: number): FeedbackListReport {
    return this.#parts.list.report(provider, most);
  }

  /** Rejects with ControlError. */
  async ingest({ format, content }: Ingest): Promise<IngestReport> {
    if (format !== 'log' && !this.#parts.isReady()) {
      throw new ControlError(
        503,
        'What the Postfix log says is still being read: try again later.',
      );
    }
    switch (format) {
      case 'mail': {
        if (!(await this.#parts.guard.mayTake('mail'))) {
          throw new ControlError(503, 'Too many reports within a minute: try again later.');
        }
        const raw = Buffer.from(content, 'base64');
        const { kind, events } = await this.#parts.mail.takeMail(raw, 'pipe');
        return { kind, events, wrong: [] };
      }
      case 'ndjson':
        return { kind: format, ...(await this.#lines(content)) };
      case 'log':
        return { kind: format, events: [], wrong: await this.#log(content) };
      default:
        return format satisfies never;
    }
  }

  async #lines(content: string): Promise<Pick<IngestReport, 'events' | 'wrong'>> {
    const events: FeedbackEventReport[] = [];
    const wrong: Wrong[] = [];
    for (const [at, line] of content.split('\n').entries()) {
      if (line.trim() === '') continue;
      const read = readGivenLine(line);
      if (!read.ok) {
        wrong.push({ line: at + 1, why: read.why });
        continue;
      }
      events.push(await this.#parts.mail.takeGiven(read.event));
    }
    return { events, wrong };
  }

  async #log(content: string): Promise<readonly Wrong[]> {
    const { see, nowMs } = this.#parts;
    if (see === undefined) {
      throw new ControlError(
        409,
        'The daemon follows the Postfix log by itself (feedback.log): it would count all twice.',
      );
    }
    const stamps = new StampReader();
    for (const line of content.split('\n')) {
      const event = readEvent(line, stamps, nowMs());
      if (event !== undefined && !this.#isKnown(event)) await see(event);
    }
    // Nobody hands it in again after a crash.
    await this.#parts.sent.flush();
    return [];
  }

  /** Whoever hands in a log piece by piece hands in some lines twice. */
  #isKnown(event: LogEvent): boolean {
    if (event.kind !== 'delivery') return false;
    const fate = this.#parts.sent.find(event.queueId, event.recipient)?.fate;
    return fate === 'taken' || fate === 'refused';
  }
}
