/** The course in characters: one column an hour, readable at 80 columns. */
import { highest, type Hour } from './course.ts';

const ROWS = 12;
const LABEL = 6;
/** Hours from one number at the foot to the next. */
const EVERY = 12;

/** Lines without an end of line. */
export function coursePlot(hours: readonly Hour[], colour: boolean): readonly string[] {
  const top = highest(hours);
  const row = (rate: number) => Math.min(ROWS - 1, Math.round((rate / top) * ROWS - 0.5));
  const cell = (hour: Hour, at: number): string => {
    if (row(hour.limit) === at) return '●';
    if (hour.hidden !== undefined && row(hour.hidden) === at) return '═';
    if (hour.wall !== undefined && row(hour.wall) === at) return '╌';
    return row(hour.taken) >= at && hour.taken > 0 ? '░' : ' ';
  };
  const paint = (cells: string) =>
    colour
      ? cells
          .replaceAll(/●+/g, '\u001B[33m$&\u001B[0m')
          .replaceAll(/═+/g, '\u001B[31m$&\u001B[0m')
          .replaceAll(/░+/g, '\u001B[34m$&\u001B[0m')
      : cells;
  const lines: string[] = [];
  for (let at = ROWS - 1; at >= 0; at -= 1) {
    const label = at === ROWS - 1 ? String(Math.round(top)) : at === 0 ? '0' : '';
    lines.push(`${label.padStart(LABEL)} │${paint(hours.map((hour) => cell(hour, at)).join(''))}`);
  }
  const warned = hours.map(({ warned: n }) => (n === 0 ? ' ' : n > 9 ? '+' : String(n))).join('');
  lines.push(`${'warned'.padStart(LABEL)} │${warned}`);
  let foot = '';
  for (let hour = 0; hour < hours.length; hour += EVERY) foot = foot.padEnd(hour) + String(hour);
  lines.push(`${' '.repeat(LABEL)} └${foot} h`);
  lines.push(
    'recipients an hour: ░ taken, ● limit in force, ═ hidden limit, ╌ wall; below: warnings',
  );
  return lines;
}
