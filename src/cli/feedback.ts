import { setTimeout as sleep } from 'node:timers/promises';

import {
  ControlError,
  type ControlTarget,
  type Ingest,
  type IngestReport,
} from '../control/api.ts';
import { connect } from './connect.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { linesIn, messagesIn } from './feedback-input.ts';
import { feedbackTable, Taken } from './feedback-text.ts';
import { printable, printableReport } from './printable.ts';
import { columns, complain, say, sayJson, type Shell } from './shell.ts';
import { group, verb } from './verb.ts';
import { count } from './words.ts';

const BUSY_MS = 1000;
const FORMATS = ['mail', 'dsn', 'arf', 'ndjson', 'log'] as const;

const list = verb(
  (yargs) =>
    yargs
      .positional('provider', { type: 'string', describe: 'Only what is about this one' })
      .option('most', {
        type: 'string',
        default: '50',
        requiresArg: true,
        coerce: count('most'),
        describe: 'So many of the newest',
      })
      .example('$0 feedback list', 'what providers answered, and what came of it')
      .example('$0 feedback list outlook --json', ''),
  async (options, shell) => {
    const report = await (await connect(options, shell)).feedback(options.provider, options.most);
    if (options.json) sayJson(shell, report);
    else
      say(shell, feedbackTable(printableReport(report), shell.nowMs(), columns(shell)).join('\n'));
    return EXIT.ok;
  },
);

const ingest = verb(
  (yargs) =>
    yargs
      .positional('file', {
        type: 'string',
        default: '-',
        describe: 'A message, an mbox file or a Maildir; - for standard input',
      })
      .option('format', {
        choices: FORMATS,
        default: 'mail' as const,
        requiresArg: true,
        describe: 'What it is; mail stands for dsn and arf too',
      })
      .option('ndjson', {
        type: 'boolean',
        default: false,
        describe: "As --format ndjson: another classifier's results, an object a line",
      })
      .example('$0 feedback ingest < bounce.eml', 'as pipe(8) runs it')
      .example('$0 feedback ingest ~/Maildir', 'each message in it; what was counted counts once')
      .example('$0 feedback ingest --ndjson results.ndjson', ''),
  async (options, shell) => {
    if (options.ndjson && options.format !== 'mail' && options.format !== 'ndjson') {
      complain(shell, `postpace: --ndjson and --format ${options.format}: one or the other.`);
      return EXIT.usage;
    }
    const format = options.ndjson ? 'ndjson' : options.format;
    const taken = new Taken();
    // A folder may hold years of reports: kept are those that are printed.
    const reports: IngestReport[] = [];
    const wrong: IngestReport['wrong'][number][] = [];
    let exit: ExitCode = EXIT.ok;
    try {
      const daemon = await connect(options, shell);
      const coming =
        format === 'ndjson' || format === 'log'
          ? ofLines(daemon, format, options.file, shell)
          : ofMessages(daemon, options.file, shell);
      for await (const report of coming) {
        taken.add(report);
        wrong.push(...report.wrong);
        if (options.json) reports.push(report);
      }
    } catch (error) {
      exit = refused(error, shell);
      if (taken.isEmpty) return exit;
    }
    if (options.json) sayJson(shell, reports);
    else say(shell, taken.text());
    for (const { line, why } of wrong) {
      complain(shell, printable(`postpace: line ${line}: ${why}`));
      if (exit === EXIT.ok) exit = EXIT.failure;
    }
    return exit;
  },
);

async function* ofMessages(
  daemon: ControlTarget,
  file: string,
  shell: Shell,
): AsyncIterable<IngestReport> {
  let comesAgain = file === '-';
  for await (const message of messagesIn(file, shell.stdin)) {
    const content = message.toString('base64');
    yield await handIn(daemon, { format: 'mail', content }, comesAgain);
    comesAgain = false;
  }
}

/**
 * Waits while there is too much to do. `comesAgain`: whoever runs this will, as Postfix does with its
 * one message; a file, and what follows a first message, would begin anew.
 */
async function handIn(
  daemon: ControlTarget,
  what: Ingest,
  comesAgain: boolean,
): Promise<IngestReport> {
  for (;;) {
    try {
      return await daemon.ingest(what);
    } catch (error) {
      if (comesAgain || !(error instanceof ControlError) || error.status !== 503) throw error;
      await sleep(BUSY_MS);
    }
  }
}

async function* ofLines(
  daemon: ControlTarget,
  format: 'ndjson' | 'log',
  file: string,
  shell: Shell,
): AsyncIterable<IngestReport> {
  let before = 0;
  for await (const { text, lines } of linesIn(file, shell.stdin)) {
    const comesAgain = file === '-' && before === 0;
    const { wrong, ...report } = await handIn(daemon, { format, content: text }, comesAgain);
    const from = before;
    yield { ...report, wrong: wrong.map(({ line, why }) => ({ line: from + line, why })) };
    before += lines;
  }
}

/**
 * Run by Postfix, any failure but EX_TEMPFAIL would return the report to its null sender, and lose it:
 * with that it is tried again.
 */
function refused(error: unknown, shell: Shell): ExitCode {
  const isLater =
    error instanceof Error &&
    (error.name === 'DaemonUnreachable' ||
      error.name === 'ConfigError' ||
      (error instanceof ControlError && error.status >= 500));
  if (!isLater && !(error instanceof ControlError)) throw error;
  complain(shell, `postpace: ${printable(error.message)}`);
  return isLater ? EXIT.later : EXIT.failure;
}

/** Reports by mail and from others, handed in; and what feedback heard. */
export const feedback = group({
  'list [provider]': ['What providers answered lately, and what came of it', list],
  'ingest [file]': ['Hand in bounces, complaints and results of other classifiers', ingest],
});
