import { ControlError, type ControlTarget, type IngestReport } from '../control/api.ts';
import { connect } from './connect.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { linesIn, messagesIn } from './feedback-input.ts';
import { feedbackTable, takenText } from './feedback-text.ts';
import { printable, printableReport } from './printable.ts';
import { columns, complain, say, sayJson, type Shell } from './shell.ts';
import { group, verb } from './verb.ts';
import { count } from './words.ts';

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
      .example('$0 feedback ingest < bounce.eml', 'as pipe(8) and aliases(5) run it')
      .example('$0 feedback ingest ~/Maildir', 'each message in it; what was counted counts once')
      .example('$0 feedback ingest --ndjson results.ndjson', ''),
  async (options, shell) => {
    const format = options.ndjson ? 'ndjson' : options.format;
    try {
      const daemon = await connect(options, shell);
      const reports =
        format === 'ndjson' || format === 'log'
          ? await ofLines(daemon, format, options.file, shell)
          : await ofMessages(daemon, options.file, shell);
      if (options.json) sayJson(shell, reports);
      else say(shell, printable(takenText(reports)));
      for (const { line, why } of reports.flatMap(({ wrong }) => wrong)) {
        complain(shell, printable(`postpace: line ${line}: ${why}`));
      }
      return reports.some(({ wrong }) => wrong.length > 0) ? EXIT.failure : EXIT.ok;
    } catch (error) {
      return later(error, shell);
    }
  },
);

async function ofMessages(
  daemon: ControlTarget,
  file: string,
  shell: Shell,
): Promise<readonly IngestReport[]> {
  const reports: IngestReport[] = [];
  for await (const message of messagesIn(file, shell.stdin)) {
    const content = message.toString('base64');
    reports.push(await daemon.ingest({ format: 'mail', content }));
  }
  return reports;
}

async function ofLines(
  daemon: ControlTarget,
  format: 'ndjson' | 'log',
  file: string,
  shell: Shell,
): Promise<readonly IngestReport[]> {
  const reports: IngestReport[] = [];
  let before = 0;
  for await (const { text, lines } of linesIn(file, shell.stdin)) {
    const { wrong, ...report } = await daemon.ingest({ format, content: text });
    const counted = wrong.map(({ line, why }) => ({ line: before + line, why }));
    reports.push({ ...report, wrong: counted });
    before += lines;
  }
  return reports;
}

/**
 * Run by Postfix, any other failure would return the report to its null sender, and lose it: EX_TEMPFAIL
 * has it tried again.
 */
function later(error: unknown, shell: Shell): ExitCode {
  const isLater =
    error instanceof Error &&
    (error.name === 'DaemonUnreachable' ||
      error.name === 'ConfigError' ||
      (error instanceof ControlError && error.status >= 500));
  if (!isLater) throw error;
  complain(shell, `postpace: ${printable(error.message)}`);
  return EXIT.later;
}

/** Reports by mail and from others, handed in; and what feedback heard. */
export const feedback = group({
  'list [provider]': ['What providers answered lately, and what came of it', list],
  'ingest [file]': ['Hand in bounces, complaints and results of other classifiers', ingest],
});
