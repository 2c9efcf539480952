/** A chart in characters, readable at 80 columns. */
import { peak, type Chart } from './chart.ts';

const BLOCKS = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const HEIGHT = 4;
const LABEL = 6;
/** The most columns: with the labels it is readable at 80. */
export const PLOT_COLUMNS = 64;

export interface PlotStyle {
  /** ANSI colours: refusals red, the limit yellow. */
  readonly colour: boolean;
}

/** Lines without an end of line. Refusals stand on top of the accepted, as `░`. */
export function plot(chart: Chart, style: PlotStyle): readonly string[] {
  const top = peak(chart);
  const width = cellWidth(chart);
  const paint = (cells: string) =>
    style.colour
      ? cells.replaceAll(/╌+/g, '\u001B[33m$&\u001B[0m').replaceAll(/░+/g, '\u001B[31m$&\u001B[0m')
      : cells;
  const eighths = (count: number) => Math.round((count / top) * HEIGHT * 8);
  const limitRow = Math.min(HEIGHT - 1, Math.floor((chart.limit / top) * HEIGHT - 1e-9));
  const lines = [`${chart.name}: ${chart.limitText}`];
  for (let row = HEIGHT - 1; row >= 0; row -= 1) {
    const cells = chart.columns.map(({ accepted, refused }) => {
      const good = eighths(accepted) - row * 8;
      const all = eighths(accepted + refused) - row * 8;
      if (good >= 8) return '█'.repeat(width);
      if (good > 0 && refused === 0) return (BLOCKS[good] ?? ' ').repeat(width);
      if (all > 0 && refused > 0) return '░'.repeat(width);
      // What is less than an eighth is still something.
      if (row === 0 && accepted > 0) return (BLOCKS[Math.max(1, good)] ?? ' ').repeat(width);
      return (row === limitRow ? '╌' : ' ').repeat(width);
    });
    const label = row === limitRow ? String(chart.limit) : row === HEIGHT - 1 ? String(top) : '';
    lines.push(`${label.padStart(LABEL)} ${row === limitRow ? '┤' : '│'}${paint(cells.join(''))}`);
  }
  lines.push(`${' '.repeat(LABEL)} └${axis(chart.columns.length, width)}`);
  return lines;
}

/** Seconds under the last of several plots. */
export function plotTimes(chart: Chart): string {
  let line = '';
  const width = cellWidth(chart);
  for (let cell = 0; cell < chart.columns.length * width; cell += tick(width)) {
    const seconds = Number(((cell / width) * (chart.columnMs / 1000)).toFixed(1));
    line = line.padEnd(LABEL + 2 + cell) + String(seconds);
  }
  return `${line} s`;
}

/** Few columns are drawn wider. */
function cellWidth({ columns }: Chart): number {
  return Math.max(1, Math.floor(PLOT_COLUMNS / columns.length));
}

/** Cells from one time at the foot to the next: whole columns, and room for the number. */
function tick(width: number): number {
  return width * Math.ceil(10 / width);
}

function axis(columns: number, width: number): string {
  const every = tick(width);
  return Array.from({ length: columns * width }, (_, i) => (i % every === 0 ? '┴' : '─')).join('');
}
