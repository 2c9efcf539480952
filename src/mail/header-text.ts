/**
 * A header's value as the text that a person would read: unfolded, encoded words (RFC 2047) decoded,
 * runs of white space made one blank, letters in lower case. Never throws; linear in the value.
 */
import { Buffer } from 'node:buffer';

export interface HeaderText {
  readonly text: string;
  /** The value is longer than what was looked at. */
  readonly isCut: boolean;
}

/** Of a longer value the beginning is looked at. */
export const HEADER_BYTES = 1000;

/** `=?charset*language?encoding?text?=`. */
const WORD = /=\?([\w.:+-]{1,40})(?:\*[\w-]{1,40})?\?([bq])\?([^?]*)\?=/gi;

/** `value`: the bytes after the colon, with line ends where the header was folded. */
export function headerText(value: Uint8Array): HeaderText {
  const isCut = value.length > HEADER_BYTES;
  const seen = Buffer.from(value.buffer, value.byteOffset, Math.min(value.length, HEADER_BYTES));
  return { text: comparable(decoded(plainText(seen))), isCut };
}

/** In the form in which values are compared. */
export function comparable(text: string): string {
  return text.normalize('NFC').toLowerCase().replaceAll(/\s+/g, ' ').trim();
}

/** Bytes that are not UTF-8 are read as Latin-1, but for a character that was cut at the end. */
function plainText(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  const strange = text.indexOf('\uFFFD');
  return strange < 0 || strange === text.length - 1 ? text : bytes.toString('latin1');
}

interface Word {
  readonly from: number;
  readonly to: number;
  readonly charset: string;
  readonly bytes: Buffer;
}

/** White space between two encoded words is none of the text; characters may begin in one word. */
function decoded(text: string): string {
  let result = '';
  let at = 0;
  let run: Word[] = [];
  const finish = (): void => {
    const [first] = run;
    const last = run.at(-1);
    if (first === undefined || last === undefined) return;
    result += inCharset(run) ?? text.slice(first.from, last.to);
    at = last.to;
    run = [];
  };
  for (const word of wordsIn(text)) {
    const last = run.at(-1);
    const isNext = last !== undefined && text.slice(last.to, word.from).trim() === '';
    if (!isNext || last.charset !== word.charset) finish();
    if (!isNext) result += text.slice(at, word.from);
    run.push(word);
  }
  finish();
  return result + text.slice(at);
}

function* wordsIn(text: string): Generator<Word> {
  for (const match of text.matchAll(WORD)) {
    const [whole, charset = '', encoding = '', content = ''] = match;
    const bytes =
      encoding.toLowerCase() === 'b' ? Buffer.from(content, 'base64') : quotedBytes(content);
    yield {
      from: match.index,
      to: match.index + whole.length,
      charset: charset.toLowerCase(),
      bytes,
    };
  }
}

/** The Q encoding: `_` is a blank, `=E9` a byte. */
function quotedBytes(content: string): Buffer {
  const text = content
    .replaceAll('_', ' ')
    .replaceAll(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(text, 'latin1');
}

/** undefined for a charset that is not known: the words stay as they are. */
function inCharset(words: readonly Word[]): string | undefined {
  try {
    const decoder = new TextDecoder(words[0]?.charset);
    return decoder.decode(Buffer.concat(words.map(({ bytes }) => bytes)));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
