import type { LimitsChange, ProviderReport } from '../control/api.ts';
import { connect } from './connect.ts';
import { EXIT } from './exit.ts';
import { clock, until } from './moment.ts';
import { printableReport } from './printable.ts';
import { limitsNote, limitsText, stateNotes } from './provider-text.ts';
import { columns, operator, say, sayJson, type Shell } from './shell.ts';
import { table } from './table.ts';
import { group, verb } from './verb.ts';
import { count, duration, provider, rate, reason } from './words.ts';

/** The history's name for what was done to all providers at once. */
const EVERY = '*';

const show = verb(
  (yargs) =>
    yargs
      .positional('provider', { type: 'string', describe: 'Only this one (its exact id)' })
      .example('$0 limits show', 'every provider, where its limits come from'),
  async (options, shell) => {
    const reports = await (await connect(options, shell)).limits(options.provider);
    if (options.json) sayJson(shell, reports);
    else say(shell, limitsTable(printableReport(reports), shell));
    return EXIT.ok;
  },
);

const set = verb(
  (yargs) =>
    provider(yargs)
      .option('pace', {
        type: 'string',
        requiresArg: true,
        coerce: rate('pace'),
        describe: 'Recipients per time, evenly spaced: 20/min, 5/s, 600/h',
      })
      .option('burst', {
        type: 'string',
        requiresArg: true,
        coerce: count('burst'),
        describe: 'How many may leave back to back after a pause',
      })
      .option('quota', {
        type: 'string',
        array: true,
        requiresArg: true,
        coerce: (texts: readonly string[]) => texts.map(rate('quota')),
        describe: 'In no such time more than that: 300/h; again for another: --quota 1500/day',
      })
      .option('in-flight', {
        type: 'string',
        requiresArg: true,
        coerce: count('in-flight'),
        describe: 'Messages with Postfix whose outcome is not known yet',
      })
      .option('for', {
        type: 'string',
        requiresArg: true,
        coerce: duration('for'),
        describe: 'Ends by itself after this time: 2h, 30min, 1d; without, limits reset ends it',
      })
      .option('pin', {
        type: 'boolean',
        describe: "Exactly these limits: what the provider answers doesn't slow them further",
      })
      .options(reason)
      .check((args) => {
        if (args.pace ?? args.burst ?? args.quota ?? args['in-flight']) return true;
        throw new Error('limits set needs --pace, --burst, --quota or --in-flight');
      })
      .example('$0 limits set utc --pace 10/min --for 2h --reason "exam results"', '')
      .example('$0 limits set utc --quota 300/h --quota 1500/day', 'replaces all its quotas'),
  async (options, shell) => {
    const change: LimitsChange = {
      by: operator(shell),
      ...(options.pace !== undefined && { pace: options.pace }),
      ...(options.burst !== undefined && { burst: options.burst }),
      ...(options.quota !== undefined && { quotas: options.quota }),
      ...(options['in-flight'] !== undefined && { inFlight: options['in-flight'] }),
      ...(options.for !== undefined && { for: options.for }),
      ...(options.pin !== undefined && { pin: options.pin }),
      ...(options.reason !== undefined && { reason: options.reason }),
    };
    const report = await (await connect(options, shell)).setLimits(options.provider, change);
    if (options.json) sayJson(shell, report);
    else say(shell, nowHas(printableReport(report), shell));
    return EXIT.ok;
  },
);

const reset = verb(
  (yargs) =>
    provider(yargs)
      .options(reason)
      .example('$0 limits reset utc', 'back to what the configuration says'),
  async (options, shell) => {
    const daemon = await connect(options, shell);
    const report = await daemon.resetLimits(options.provider, operator(shell), options.reason);
    if (options.json) sayJson(shell, report);
    else say(shell, nowHas(printableReport(report), shell));
    return EXIT.ok;
  },
);

const history = verb(
  (yargs) =>
    yargs
      .positional('provider', { type: 'string', describe: 'Only this one (its exact id)' })
      .option('most', {
        type: 'string',
        default: '50',
        requiresArg: true,
        coerce: count('most'),
        describe: 'At most so many, the latest',
      })
      .example('$0 limits history outlook', 'who changed its limits, when and why'),
  async (options, shell) => {
    const daemon = await connect(options, shell);
    const adjustments = await daemon.history(options.provider, options.most);
    if (options.json) {
      sayJson(shell, adjustments);
      return EXIT.ok;
    }
    if (adjustments.length === 0) {
      say(shell, 'Nothing has been changed.');
      return EXIT.ok;
    }
    const now = shell.nowMs();
    const rows = printableReport(adjustments).map((each) => ({
      cells: [
        clock(each.at, now),
        each.provider === EVERY ? '(all)' : each.provider,
        each.kind,
        each.until === null ? '' : clock(each.until, now),
        each.by,
        each.from === '' && each.to === '' ? '' : `${each.from} -> ${each.to}`,
        each.why,
      ],
    }));
    const titles = [
      { title: 'AT' },
      { title: 'PROVIDER', shrinkTo: 8 },
      { title: 'WHAT', shrinkTo: 8 },
      { title: 'UNTIL' },
      { title: 'BY', shrinkTo: 6 },
      { title: 'FROM -> TO', under: true } as const,
      { title: 'WHY', under: true } as const,
    ];
    say(shell, table(titles, rows, columns(shell)).join('\n'));
    return EXIT.ok;
  },
);

/** What is in force for each provider, and what an operator may change about it. */
export const limits = group({
  'show [provider]': ['The limits in force and where they come from', show],
  'set <provider>': ['Other limits than configured; they survive a restart', set],
  'reset <provider>': ['Back to the configured limits', reset],
  'history [provider]': ['What was changed, by whom and why', history],
});

function limitsTable(reports: readonly ProviderReport[], shell: Shell): string {
  const now = shell.nowMs();
  const rows = reports.map((each) => {
    const configured = limitsText(each.configured);
    return {
      cells: [
        each.provider,
        each.limits.pace ?? 'unlimited',
        each.limits.burst === null ? '-' : String(each.limits.burst),
        each.limits.quotas.join(', ') || '-',
        each.limits.inFlight === null ? '-' : String(each.limits.inFlight),
        each.limitsFrom,
      ],
      notes: [
        ...(each.overrideUntil === null ? [] : [`override ${until(each.overrideUntil, now)}`]),
        ...(configured === limitsText(each.limits) ? [] : [`configured: ${configured}`]),
        ...stateNotes(each, now),
      ],
    };
  });
  const titles = [
    { title: 'PROVIDER', shrinkTo: 10 },
    { title: 'PACE' },
    { title: 'BURST', align: 'right' as const },
    { title: 'QUOTAS', shrinkTo: 12 },
    { title: 'IN FLIGHT', align: 'right' as const },
    { title: 'FROM', shrinkTo: 10 },
  ];
  return table(titles, rows, columns(shell)).join('\n');
}

function nowHas(report: ProviderReport, shell: Shell): string {
  const now = shell.nowMs();
  const lines = [`${report.provider}: ${limitsNote(report, now)}`, ...stateNotes(report, now)];
  return lines.join('\n');
}
