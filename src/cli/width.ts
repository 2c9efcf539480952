/**
 * How many columns of a terminal a text takes: two for East Asian wide characters and emoji, none
 * for combining marks (Unicode TR11; the usual rule of wcwidth).
 */

const ASCII = /^[\u0020-\u007e]*$/;
const ZERO = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;
const WIDE =
  /^(?:\p{Emoji_Presentation}|.\ufe0f|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}])/u;

export function displayWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const segment of graphemes(text)) width += graphemeWidth(segment);
  return width;
}

/** The text, cut to at most `width` columns; a cut is marked by `…`. */
export function cut(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = '';
  let used = 1;
  for (const segment of graphemes(text)) {
    used += graphemeWidth(segment);
    if (used > width) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** The text in exactly `width` columns, cut or padded with blanks. */
export function fit(text: string, width: number, side: 'left' | 'right'): string {
  const shown = cut(text, width);
  const blanks = ' '.repeat(Math.max(0, width - displayWidth(shown)));
  return side === 'left' ? shown + blanks : blanks + shown;
}

/** The text in lines of at most `width` columns, broken at blanks; a longer word is cut up. */
export function wrap(text: string, width: number, indent = ''): readonly string[] {
  const room = Math.max(10, width - indent.length);
  const lines: string[] = [];
  let line = '';
  for (let word of text.split(/\s+/)) {
    if (line !== '' && displayWidth(line) + 1 + displayWidth(word) <= room) {
      line += ` ${word}`;
      continue;
    }
    if (line !== '') lines.push(line);
    while (displayWidth(word) > room) {
      const head = cut(word, room + 1).slice(0, -1);
      lines.push(head);
      word = word.slice(head.length);
    }
    line = word;
  }
  lines.push(line);
  return lines.map((each) => indent + each);
}

let segmenter: Intl.Segmenter | undefined;

/** What a reader takes for one character. Only other scripts pay for the segmenter's start (20 ms). */
function* graphemes(text: string): Iterable<string> {
  if (ASCII.test(text)) {
    yield* text;
    return;
  }
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  for (const { segment } of segmenter.segment(text)) yield segment;
}

function graphemeWidth(segment: string): number {
  if (ASCII.test(segment)) return 1;
  if (ZERO.test(segment)) return 0;
  return WIDE.test(segment) ? 2 : 1;
}
