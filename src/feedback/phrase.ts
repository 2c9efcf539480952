/**
 * Phrases: the pattern language of the rules. A phrase is text as a provider writes it, in any case
 * and with any blanks between its words; it stands at word boundaries, so that `rate` is not found
 * in `separate`.
 *
 *     too many connection*         `*` at an end: the word may go on there
 *     {mailbox|account} is full    one of these
 *     exceeded ... per hour        in this order, with anything between
 *
 * There are no regular expressions: all phrases of all rules are found together in one pass over the
 * text (automaton.ts), whatever a stranger wrote there.
 */

/** A run of literal text. The flags ask for a word boundary at that end. */
export interface Segment {
  /** Lower case ASCII, single blanks. */
  readonly text: string;
  readonly atStart: boolean;
  readonly atEnd: boolean;
}

/** Found when of each part one alternative is, in order and not overlapping. */
export type Phrase = readonly (readonly Segment[])[];

const MOST_ALTERNATIVES = 256;
const MOST_PARTS = 8;

/** Reads a phrase. Throws SyntaxError: `found …, expected …`. */
export function parsePhrase(written: string): Phrase {
  const parts = written.split(' ... ');
  if (parts.length > MOST_PARTS) throw refusal(written, `at most ${MOST_PARTS} parts`);
  return parts.map((part) => {
    if (!/^[^{}]*(?:\{[^{}]+\}[^{}]*)*$/.test(part)) throw refusal(part, 'each { to have its }');
    return alternatives(part).map(toSegment);
  });
}

/** Letters and digits; all else is a boundary. The text is lower case by then. */
export function isWordCode(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 48 && code <= 57);
}

function alternatives(part: string): readonly string[] {
  let texts = [''];
  for (const [at, piece] of part.split(/[{}]/).entries()) {
    const choices = at % 2 === 0 ? [piece] : piece.split('|');
    texts = texts.flatMap((text) => choices.map((choice) => text + choice));
    if (texts.length > MOST_ALTERNATIVES) {
      throw refusal(part, `at most ${MOST_ALTERNATIVES} alternatives`);
    }
  }
  return texts;
}

function toSegment(written: string): Segment {
  const trimmed = written.trim();
  const text = trimmed.replace(/^\*/, '').replace(/\*$/, '').toLowerCase();
  if (!/^[\x20-\x7e]{2,100}$/.test(text) || /\*| {2}/.test(text)) {
    throw refusal(
      written,
      'ASCII text of 2 to 100 characters, with single blanks and * only at its ends',
    );
  }
  return {
    text,
    atStart: !trimmed.startsWith('*') && isWordCode(text.charCodeAt(0)),
    atEnd: !trimmed.endsWith('*') && isWordCode(text.charCodeAt(text.length - 1)),
  };
}

function refusal(found: string, expected: string): SyntaxError {
  return new SyntaxError(`found ${JSON.stringify(found)}, expected ${expected}`);
}
