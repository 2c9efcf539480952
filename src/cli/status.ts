import { styleText } from 'node:util';

import type { StatusReport } from '../control/api.ts';
import { connect } from './connect.ts';
import { EXIT } from './exit.ts';
import { printableReport } from './printable.ts';
import { isActive } from './provider-text.ts';
import { colourful, columns, json, say, sayJson, type Shell } from './shell.ts';
import { statusText } from './status-text.ts';
import { verb } from './verb.ts';
import { watch } from './watch.ts';

/** What the daemon does now, and when what waits will leave. */
export const status = verb(
  (yargs) =>
    yargs
      .positional('provider', { type: 'string', describe: 'Only this one (its exact id)' })
      .option('watch', {
        type: 'boolean',
        default: false,
        describe: 'Draw it again every second, until Ctrl-C',
      })
      .example('$0 status', 'every provider that has had mail in the last day')
      .example('$0 status utc --watch', 'one provider, live')
      .example("$0 status --json | jq '.providers[] | select(.held > 0)'", 'for scripts'),
  async (options, shell) => {
    const stop = new AbortController();
    const daemon = await connect(options, shell, stop.signal);
    const ask = async (): Promise<StatusReport> => {
      const report = await daemon.status(options.provider);
      return options.provider === undefined
        ? { ...report, providers: report.providers.filter(isActive) }
        : report;
    };
    const text = (report: StatusReport): readonly string[] =>
      highlight(shell, statusText(printableReport(report), columns(shell)));
    const screen = shell.stdout.isTTY && !options.json;
    if (options.watch) {
      const frame = (report: StatusReport): readonly string[] =>
        options.json ? [json(report, 0)] : screen ? text(report) : [...text(report), ''];
      await watch(shell, ask, frame, screen, stop);
    } else if (options.json) {
      sayJson(shell, await ask());
    } else {
      say(shell, text(await ask()).join('\n'));
    }
    return EXIT.ok;
  },
);

/** Lines that ask for attention stand out on a terminal. */
function highlight(shell: Shell, lines: readonly string[]): readonly string[] {
  if (!colourful(shell)) return lines;
  return lines.map((text) => {
    if (/^WARNING|^SPLIT|^EVERYTHING PASSES/.test(text)) return styleText(['bold', 'yellow'], text);
    if (/^ {2}(SUSPENDED|TROUBLE|PASSES)/.test(text)) return styleText('yellow', text);
    return text.startsWith('PROVIDER') ? styleText('bold', text) : text;
  });
}
