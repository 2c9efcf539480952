/**
 * Text on the wire: NUL-terminated strings of bytes that name no charset. They are read as UTF-8;
 * a byte that is none becomes the lone surrogate U+DC00 + byte, so that nothing is lost and
 * `bytesOf(textOf(b))` equals b for any bytes.
 */
import { isAscii, isUtf8 } from 'node:buffer';
import { ProtocolError } from './error.ts';

const ESCAPED = /[\uDC80-\uDCFF]/u;

export function textOf(bytes: Buffer): string {
  if (isAscii(bytes)) return bytes.toString('latin1');
  if (isUtf8(bytes)) return bytes.toString('utf8');
  let text = '';
  for (let at = 0; at < bytes.length;) {
    const length = sequenceLength(bytes, at);
    text +=
      length === 0
        ? String.fromCharCode(0xdc00 + (bytes[at] ?? 0))
        : bytes.toString('utf8', at, at + length);
    at += Math.max(length, 1);
  }
  return text;
}

/** Length of the UTF-8 sequence that starts here, 0 when none does. */
function sequenceLength(bytes: Buffer, at: number): number {
  const lead = bytes[at] ?? 0;
  const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  const sequence = bytes.subarray(at, at + length);
  return sequence.length === length && isUtf8(sequence) ? length : 0;
}

export function bytesOf(text: string): Buffer {
  if (!ESCAPED.test(text)) return Buffer.from(text, 'utf8');
  const parts: Buffer[] = [];
  for (const char of text) {
    parts.push(ESCAPED.test(char) ? Buffer.of(char.charCodeAt(0) - 0xdc00) : Buffer.from(char));
  }
  return Buffer.concat(parts);
}

/** The NUL-terminated strings of a payload, at least `least` of them. */
export function stringsOf(payload: Buffer, least: number, what: string): string[] {
  const strings = textOf(payload).split('\0');
  if (strings.pop() !== '') throw new ProtocolError(`${what}: no NUL at the end`);
  if (strings.length < least) {
    throw new ProtocolError(`${what}: ${strings.length} strings, expected at least ${least}`);
  }
  return strings;
}

/** Each string with its NUL; RangeError for one that has a NUL inside. */
export function terminated(strings: readonly string[]): Buffer {
  for (const string of strings) {
    if (string.includes('\0')) throw new RangeError(`NUL in ${JSON.stringify(string)}`);
  }
  return bytesOf(strings.map((string) => `${string}\0`).join(''));
}
