/** What the demo says at its end: the plots, the counts, and the picture as a file. */
import { chown, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Books, ProviderBooks } from './books.ts';
import { CAST } from './cast.ts';
import { chart, windowsPerColumn, type Chart } from './chart.ts';
import type { Performance } from './performance.ts';
import { PLOT_COLUMNS, plot, plotTimes } from './plot.ts';
import type { Stage } from './stage.ts';
import { svg } from './svg.ts';

export const PICTURE = 'demo-arrivals.svg';

export function charts(stage: Stage, { startedAtMs, endedAtMs }: Performance): readonly Chart[] {
  const { windowMs } = stage;
  const windows = windowsPerColumn(endedAtMs - startedAtMs, windowMs, PLOT_COLUMNS);
  return CAST.map(({ id, name, perMinute, burst }) => {
    const sink = stage.sinks.get(id);
    const limit = perMinute * windows + burst - 1;
    const time = windows === 1 ? 'minute' : `${windows} minutes`;
    const input = {
      name,
      limitText: `at most ${limit} in any ${time} (${perMinute}/min, burst ${burst})`,
      perWindow: perMinute,
      burst,
      acceptedMs: sink?.deliveries.map(({ mailAtMs }) => mailAtMs) ?? [],
      refusedMs: sink?.refusals.map(({ atMs }) => atMs) ?? [],
    };
    return chart(input, startedAtMs, endedAtMs, windowMs, windows);
  });
}

export function plots(drawn: readonly Chart[], colour: boolean): readonly string[] {
  const [first] = drawn;
  return [
    ...drawn.flatMap((one) => [...plot(one, { colour }), '']).slice(0, -1),
    ...(first === undefined ? [] : [plotTimes(first)]),
  ];
}

/** Writes the picture into the current directory; resolves with its path. */
export async function picture(stage: Stage, drawn: readonly Chart[]): Promise<string> {
  const { mails, without } = stage.options;
  const path = resolve(PICTURE);
  const title = `${mails} mails at once, ${without ? 'without' : 'with'} postpace`;
  const played = `a minute played in ${stage.windowMs / 1000} s`;
  const key = 'blue: taken by the provider, red: refused, dashed: the limit';
  await writeFile(path, svg(title, `Arrivals per provider, ${played}; ${key}`, drawn));
  await own(path);
  return path;
}

/** Under sudo a picture is for the one who asked for it. */
export async function own(path: string): Promise<void> {
  const owner = Number(process.env['SUDO_UID']);
  const group = Number(process.env['SUDO_GID']);
  if (owner > 0 && group > 0) await chown(path, owner, group);
}

export function summary(books: Books, { waiting }: Performance, without: boolean): string[] {
  const { accepted, refusedToApplication, delivered, lost, duplicated, bounces } = books;
  const lines = [
    `accepted from the application  ${count(accepted)}`,
    `delivered                      ${count(delivered)}`,
    `lost                           ${count(lost)}${bounced(bounces)}`,
    `duplicated                     ${count(duplicated)}`,
  ];
  if (refusedToApplication > 0) {
    lines.push(`refused to the application     ${count(refusedToApplication)}`);
  }
  if (waiting > 0) lines.push(`of the lost, still in the queue ${count(waiting).slice(1)}`);
  lines.push('', ...books.providers.flatMap((one) => kept(one, without)));
  return lines;
}

/** A line, and more lines below it for what went other than it should. */
function kept(one: ProviderBooks, without: boolean): readonly string[] {
  const { delivered, refused, most, promised, role, overruns, admitted, spreadMs } = one;
  const name = `${role.name}: ${delivered} delivered`;
  const lines: string[] = [];
  if (without) lines.push(`${name}, at most ${most} in any minute (the limit allows ${promised})`);
  else if (overruns.length > 0) lines.push(`${name}, LIMIT OVERRUN`, ...overruns.map(below));
  else {
    lines.push(`${name}, limit kept: at most ${admitted} of ${promised} let go in any minute`);
    // A busy machine bunches what was let go evenly: both are told.
    const spread = (spreadMs / 1000).toFixed(1);
    if (most > promised) {
      lines.push(below(`${most} arrived in one: the slowest delivery took ${spread} s longer`));
    }
  }
  const reply = role.reply.length > 48 ? `${role.reply.slice(0, 45)}...` : role.reply;
  if (refused > 0) lines.push(below(`${refused} times "${reply}"`));
  return lines;
}

function below(text: string): string {
  return `  ${text}`;
}

function bounced(bounces: number): string {
  return bounces === 0 ? '' : `  (${bounces} bounces in a mailbox that nobody reads)`;
}

function count(value: number): string {
  return String(value).padStart(5);
}
