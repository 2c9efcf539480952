/** Where a key is: `['providers', 'utc', 'quotas', 1]`. */
export type KeyPath = readonly (string | number)[];

/** One thing wrong with what the file says. */
export interface Finding {
  readonly path: KeyPath;
  /** `found …, expected …` */
  readonly text: string;
}

/** A finding in its place. */
export interface Problem extends Finding {
  readonly line: number;
}

/** `FILE:LINE: KEY: found …, expected …`, a line each, in the file's order. */
export function formatProblems(file: string, problems: readonly Problem[]): string {
  return problems
    .toSorted((a, b) => a.line - b.line)
    .map(
      ({ line, path, text }) =>
        `${file}:${line}: ${path.length === 0 ? '' : `${formatPath(path)}: `}${text}`,
    )
    .join('\n');
}

export function formatPath(path: KeyPath): string {
  return path
    .map((key, i) => (typeof key === 'number' ? `[${key}]` : `${i === 0 ? '' : '.'}${key}`))
    .join('');
}

/** A value as it stands in the file, short, on one line, a password in a URL left out. */
export function found(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  const text = asJson(value).replaceAll(/:\/\/[^@"\s]*@/g, '://***@');
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

function asJson(value: unknown): string {
  if (typeof value === 'number') return String(value);
  try {
    return JSON.stringify(value);
  } catch {
    // An alias inside its own anchor.
    return 'a value that contains itself';
  }
}
