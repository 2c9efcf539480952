/**
 * Framing: a 32-bit big-endian length, one letter, length - 1 bytes. The length counts the letter.
 * Segments of the stream mean nothing: a frame may come in many, and many frames in one.
 */
import { CHUNK_BYTES } from './codes.ts';
import { ProtocolError } from './error.ts';

export interface Frame {
  readonly letter: string;
  /** A view of the bytes received: copy what is to be kept. */
  readonly payload: Buffer;
}

const EMPTY = Buffer.alloc(0);

/** The bytes of one frame. */
export function encodeFrame(letter: string, payload: Uint8Array = EMPTY): Buffer {
  const bytes = Buffer.allocUnsafe(5 + payload.length);
  bytes.writeUInt32BE(1 + payload.length, 0);
  bytes.write(letter, 4, 'latin1');
  bytes.set(payload, 5);
  return bytes;
}

/**
 * Takes the stream as it comes and gives its frames. Memory follows the bytes received, never the
 * length announced; as long as every complete frame is taken, no more than about twice the largest
 * frame is held.
 */
export class FrameReader {
  readonly #mostBytes: number;
  #held: Buffer = EMPTY;
  #start = 0;
  #end = 0;
  #owned = false;

  /** `mostBytes`: the largest length accepted, letter included. */
  constructor(mostBytes: number = CHUNK_BYTES + 1) {
    this.#mostBytes = mostBytes;
  }

  /** Bytes received that are not yet taken as frames. */
  get heldBytes(): number {
    return this.#end - this.#start;
  }

  push(chunk: Buffer): void {
    const kept = this.#end - this.#start;
    if (kept === 0) {
      this.#held = chunk;
      this.#start = 0;
      this.#end = chunk.length;
      this.#owned = false;
      return;
    }
    if (!this.#owned || this.#held.length - this.#end < chunk.length) {
      // Doubling keeps a stream of single bytes linear.
      const grown = Buffer.allocUnsafe(Math.max(2 * kept, kept + chunk.length));
      this.#held.copy(grown, 0, this.#start, this.#end);
      this.#held = grown;
      this.#start = 0;
      this.#end = kept;
      this.#owned = true;
    }
    chunk.copy(this.#held, this.#end);
    this.#end += chunk.length;
  }

  /** The next complete frame; ProtocolError for a length that cannot be. */
  next(): Frame | undefined {
    const available = this.#end - this.#start;
    if (available < 4) return undefined;
    const length = this.#held.readUInt32BE(this.#start);
    if (length < 1 || length > this.#mostBytes) {
      throw new ProtocolError(`frame length ${length}, expected 1 to ${this.#mostBytes}`);
    }
    if (available < 4 + length) return undefined;
    const at = this.#start + 4;
    this.#start = at + length;
    return {
      letter: String.fromCharCode(this.#held[at] ?? 0),
      payload: this.#held.subarray(at + 1, at + length),
    };
  }
}
