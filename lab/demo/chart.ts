/** Arrivals over time, counted in columns: what both drawings of the demo are made from. */

export interface Column {
  readonly accepted: number;
  readonly refused: number;
}

export interface Chart {
  readonly name: string;
  /** `at most 22 in 3 s (20/min burst 3)`: what the line stands for. */
  readonly limitText: string;
  /** Messages a column that the limit allows. */
  readonly limit: number;
  readonly columns: readonly Column[];
  readonly columnMs: number;
}

export interface ChartInput {
  readonly name: string;
  readonly limitText: string;
  /** Messages per window that the limit lets through, and what a pause adds. */
  readonly perWindow: number;
  readonly burst: number;
  readonly acceptedMs: readonly number[];
  readonly refusedMs: readonly number[];
}

/** How many windows a column holds so that all of the time fits into so many columns. */
export function windowsPerColumn(
  durationMs: number,
  windowMs: number,
  mostColumns: number,
): number {
  return Math.max(1, Math.ceil(durationMs / windowMs / mostColumns));
}

/** Times are milliseconds since the epoch. */
export function chart(
  input: ChartInput,
  fromMs: number,
  untilMs: number,
  windowMs: number,
  windows: number,
): Chart {
  const columnMs = windowMs * windows;
  const count = Math.max(1, Math.ceil((untilMs - fromMs) / columnMs));
  const accepted = Array.from({ length: count }, () => 0);
  const refused = Array.from({ length: count }, () => 0);
  const add = (columns: number[], atMs: number) => {
    const index = Math.min(count - 1, Math.max(0, Math.floor((atMs - fromMs) / columnMs)));
    columns[index] = (columns[index] ?? 0) + 1;
  };
  for (const atMs of input.acceptedMs) add(accepted, atMs);
  for (const atMs of input.refusedMs) add(refused, atMs);
  return {
    name: input.name,
    limitText: input.limitText,
    limit: input.perWindow * windows + input.burst - 1,
    columns: accepted.map((good, index) => ({ accepted: good, refused: refused[index] ?? 0 })),
    columnMs,
  };
}

/** The tallest thing in it. */
export function peak({ columns, limit }: Chart): number {
  return Math.max(limit, ...columns.map(({ accepted, refused }) => accepted + refused));
}
