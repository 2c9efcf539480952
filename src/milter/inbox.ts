/**
 * The frames of one connection that wait for their turn. While a handler works the stream is read
 * ahead, because only so is an ABORT or a hang-up seen early.
 */
import { FrameReader, type Frame } from './frame.ts';

/** A frame costs more than its payload. */
const OVERHEAD_BYTES = 128;

export class Inbox {
  readonly #reader: FrameReader;
  #queue: Frame[] = [];
  #head = 0;
  #queuedBytes = 0;

  constructor(mostFrameBytes: number) {
    this.#reader = new FrameReader(mostFrameBytes);
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  push(chunk: Buffer): void {
    this.#reader.push(chunk);
  }

  /** The next frame to handle, in the order of the stream. ProtocolError for a bad length. */
  next(): Frame | undefined {
    const frame = this.#queue[this.#head];
    if (frame === undefined) return this.#reader.next();
    this.#head++;
    this.#queuedBytes -= frame.payload.length + OVERHEAD_BYTES;
    // Taken frames are let go in slices, so that a long queue costs no copy a frame.
    if (this.#head === this.#queue.length || this.#head > 1024) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    return frame;
  }

  /** Moves one frame from the stream to the queue, and shows it. ProtocolError as for `next`. */
  readAhead(): Frame | undefined {
    const frame = this.#reader.next();
    if (frame === undefined) return undefined;
    this.#queue.push(frame);
    this.#queuedBytes += frame.payload.length + OVERHEAD_BYTES;
    return frame;
  }

  clear(): void {
    this.#queue = [];
    this.#head = 0;
    this.#queuedBytes = 0;
  }
}
