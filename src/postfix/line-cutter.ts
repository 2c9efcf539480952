/**
 * Cuts a byte stream into lines and keeps count of where each one ends, with a fingerprint of the
 * bytes before that place: so that a position in a file is known again after a restart.
 */
import { crc32 } from 'node:zlib';

/** Bytes before a position that its fingerprint covers; fewer only at the head of a file. */
export const FINGERPRINT_BYTES = 256;
/** Longer lines are passed over. syslogd cuts at 8 KB, journald at 48 KB. */
const LONGEST_LINE = 1024 * 1024;
const NEWLINE = 10;

export class CutLine {
  /** Without the newline; bytes that are no UTF-8 become U+FFFD. */
  readonly text: string;
  /** Offset of the byte after the newline. */
  readonly end: number;
  readonly #before: Buffer;
  readonly #endBefore: number;

  /** The bytes of `before` up to `endBefore` are those before `end`. */
  constructor(text: string, end: number, before: Buffer, endBefore: number) {
    this.text = text;
    this.end = end;
    this.#before = before;
    this.#endBefore = endBefore;
  }

  /** Fingerprint of the bytes before `end`. Reckoned when asked for: few lines are. */
  get check(): number {
    return fingerprint(this.#before.subarray(0, this.#endBefore));
  }
}

/** Fingerprint of a position, of the bytes before it. */
export function fingerprint(before: Uint8Array): number {
  return crc32(before.subarray(Math.max(0, before.length - FINGERPRINT_BYTES)));
}

export class LineCutter {
  /** Bytes before the line at hand, for fingerprints, then what is there of that line. */
  #work: Buffer;
  /** Where the line at hand begins in #work. */
  #begin: number;
  /** The same in the file: what is before it has been cut into lines. */
  #offset: number;
  /** The line at hand is not a whole one, or too long: passed over. */
  #skip: boolean;

  /**
   * `before`: the bytes before `offset`, at least FINGERPRINT_BYTES of them or all there are.
   * `whole` false: `offset` is somewhere in a line, which is passed over.
   */
  constructor(offset: number, before: Buffer, whole = true) {
    this.#work = before;
    this.#begin = before.length;
    this.#offset = offset;
    this.#skip = !whole;
  }

  /** End of the last whole line. */
  get offset(): number {
    return this.#offset;
  }

  /** Fingerprint of the bytes before `offset`. */
  get check(): number {
    return fingerprint(this.#work.subarray(0, this.#begin));
  }

  /** Where the next slice begins in the file. */
  get next(): number {
    return this.#offset + this.#work.length - this.#begin;
  }

  /** Takes the bytes at `next` and gives the lines that are now whole. Run it to its end. */
  *push(slice: Buffer): Generator<CutLine> {
    let from = this.#work.length;
    const work = Buffer.concat([this.#work, slice]);
    this.#work = work;
    for (;;) {
      const newline = work.indexOf(NEWLINE, from);
      if (newline < 0) break;
      from = newline + 1;
      const text = this.#skip ? undefined : work.toString('utf8', this.#textBegin(work), newline);
      this.#offset += from - this.#begin;
      this.#begin = from;
      this.#skip = false;
      if (text !== undefined) yield new CutLine(text, this.#offset, work, from);
    }
    if (work.length - this.#begin > LONGEST_LINE) {
      this.#offset += work.length - this.#begin;
      this.#begin = work.length;
      this.#skip = true;
    }
    const keep = Math.max(0, this.#begin - FINGERPRINT_BYTES);
    // A copy, so that the slice can be given back.
    this.#work = Buffer.from(work.subarray(keep));
    this.#begin -= keep;
  }

  /** A file truncated under a writer that does not append begins with a hole of zero bytes. */
  #textBegin(work: Buffer): number {
    let at = this.#begin;
    while (work[at] === 0) at++;
    return at;
  }
}
