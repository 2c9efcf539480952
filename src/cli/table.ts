import { cut, displayWidth, fit, wrap } from './width.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'right';
  /** May be cut, down to this many columns, where the table is too wide. */
  readonly shrinkTo?: number;
  /** Moves under its row where the table is too wide; several share a line there. */
  readonly under?: true;
}

export interface Row {
  readonly cells: readonly string[];
  /** Sentences under the row. */
  readonly notes?: readonly string[];
}

const GAP = '  ';

/** The lines of a table that fits into `width` columns. Cells are plain text. */
export function table(
  columns: readonly Column[],
  rows: readonly Row[],
  width: number,
): readonly string[] {
  const natural = columns.map((column, at) =>
    rows.reduce(
      (widest, row) => Math.max(widest, displayWidth(row.cells[at] ?? '')),
      column.title.length,
    ),
  );
  const tooWide = total(natural) > width;
  const shown = columns.map((column) => !(tooWide && column.under === true));
  const visible = columns.filter((_, at) => shown[at]);
  const widths = shrink(
    visible,
    natural.filter((_, at) => shown[at]),
    width,
  );

  const line = (cells: readonly string[]): string => {
    const text = visible
      .map(({ align }, at) =>
        fit(cells[at] ?? '', widths[at] ?? 0, align === 'right' ? 'right' : 'left'),
      )
      .join(GAP)
      .trimEnd();
    return cut(text, width);
  };
  const lines = [line(visible.map((column) => column.title))];
  for (const row of rows) {
    lines.push(line(row.cells.filter((_, at) => shown[at])));
    const under = row.cells.filter((cell, at) => shown[at] === false && cell !== '').join('; ');
    const notes = [...(under === '' ? [] : [under]), ...(row.notes ?? [])];
    for (const note of notes) lines.push(...wrap(note, width, GAP));
  }
  return lines;
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, each) => sum + each, 0) + GAP.length * (widths.length - 1);
}

/** Takes columns away from the widest that may shrink, one at a time, until the line fits. */
function shrink(
  columns: readonly Column[],
  natural: readonly number[],
  width: number,
): readonly number[] {
  const widths = [...natural];
  while (total(widths) > width) {
    let widest = -1;
    for (const [at, column] of columns.entries()) {
      const now = widths[at] ?? 0;
      if (column.shrinkTo === undefined || now <= column.shrinkTo) continue;
      if (widest === -1 || now > (widths[widest] ?? 0)) widest = at;
    }
    if (widest === -1) break;
    widths[widest] = (widths[widest] ?? 1) - 1;
  }
  return widths;
}
