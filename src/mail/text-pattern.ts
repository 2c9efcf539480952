/**
 * A pattern for text in comparable form (header-text.ts): `bulk` for exactly that, `bulk*` for what
 * begins with it, `*bulk` ends, `*bulk*` contains, `*` for anything. `\*` is an asterisk and `\\` a
 * backslash. There is nothing else to it, so that no pattern takes long.
 */
import { comparable } from './header-text.ts';

export interface TextPattern {
  /** As it was written. */
  readonly source: string;
  /** What stands between the asterisks. */
  readonly parts: readonly string[];
}

const LONGEST = 200;

/** undefined: too long, or a backslash before something else. */
export function parsePattern(source: string): TextPattern | undefined {
  if (source.length > LONGEST) return undefined;
  const parts = [''];
  for (let at = 0; at < source.length; at++) {
    let char = source[at]!;
    if (char === '*') {
      parts.push('');
      continue;
    }
    if (char === '\\') {
      char = source[++at] ?? '';
      if (char !== '*' && char !== '\\') return undefined;
    }
    parts[parts.length - 1] += char;
  }
  return { source, parts: parts.map((part, index) => edged(part, index, parts.length)) };
}

/** Only the ends of the whole text are trimmed: a blank beside an asterisk counts. */
function edged(part: string, index: number, count: number): string {
  const text = comparable(`|${part}|`).slice(1, -1);
  const fromStart = index === 0 ? text.trimStart() : text;
  return index === count - 1 ? fromStart.trimEnd() : fromStart;
}

/** `isCut`: the text goes on; then only a pattern that leaves its end open can match. */
export function matches({ parts }: TextPattern, text: string, isCut = false): boolean {
  const first = parts[0] ?? '';
  if (parts.length === 1) return !isCut && text === first;
  const last = parts.at(-1) ?? '';
  if (isCut && last !== '') return false;
  const end = text.length - last.length;
  if (!text.startsWith(first) || !text.endsWith(last) || end < first.length) return false;
  let from = first.length;
  for (const part of parts.slice(1, -1)) {
    const at = text.indexOf(part, from);
    if (at < 0 || at + part.length > end) return false;
    from = at + part.length;
  }
  return true;
}
