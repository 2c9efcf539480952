/** The journal's text in pieces that are short enough to be made between two answers. */
import type { Books } from './books.ts';
import { encodeLine } from './line.ts';
import type { Line } from './line.ts';
import { SLICE } from './owed.ts';

/** Lines as text, a slice at a time. */
export function* sliced(lines: Iterable<Line>): Generator<string> {
  let text = '';
  let made = 0;
  for (const line of lines) {
    text += encodeLine(line);
    made += 1;
    if (made % SLICE !== 0) continue;
    yield text;
    text = '';
  }
  yield text;
}

/** The accounts of the first of these providers, a slice of them; they are taken out of the set. */
export function accountLines(books: Books, providers: Set<string>): string {
  let text = '';
  let made = 0;
  for (const provider of providers) {
    providers.delete(provider);
    const line = books.accountLine(provider);
    if (line !== undefined) text += encodeLine(line);
    made += 1;
    if (made === SLICE) break;
  }
  return text;
}
