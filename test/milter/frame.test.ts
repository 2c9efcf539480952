import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import t from 'tap';
import { ProtocolError } from '../../src/milter/error.ts';
import { encodeFrame, FrameReader, type Frame } from '../../src/milter/frame.ts';
import { POSTFIX_SESSION } from './postfix-session.ts';

function drain(reader: FrameReader): Frame[] {
  const frames: Frame[] = [];
  for (let frame = reader.next(); frame; frame = reader.next()) {
    frames.push({ letter: frame.letter, payload: Buffer.from(frame.payload) });
  }
  return frames;
}

function readInPieces(stream: Buffer, sizes: readonly number[]): Frame[] {
  const reader = new FrameReader();
  const frames: Frame[] = [];
  for (let at = 0, turn = 0; at < stream.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    reader.push(Buffer.from(stream.subarray(at, at + size)));
    frames.push(...drain(reader));
    at += size;
  }
  return frames;
}

/** What a reader makes of a length and nothing after it. */
function read(length: number, mostBytes?: number): Frame | undefined {
  const reader = new FrameReader(mostBytes);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(length);
  reader.push(head);
  return reader.next();
}

t.test('a frame is its length, its letter and its payload', (t) => {
  t.equal(encodeFrame('c').toString('hex'), '0000000163');
  t.equal(encodeFrame('H', Buffer.from('x\0')).toString('hex'), '00000003487800');
  t.end();
});

t.test('any segmentation gives the same frames', (t) => {
  const frame = fc.tuple(
    fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
    fc.uint8Array({ maxLength: 300 }),
  );
  fc.assert(
    fc.property(
      fc.array(frame, { maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 20 }),
      (frames, sizes) => {
        const stream = Buffer.concat(frames.map(([letter, bytes]) => encodeFrame(letter, bytes)));
        const wanted = frames.map(([letter, bytes]) => ({ letter, payload: Buffer.from(bytes) }));
        assert.deepEqual(readInPieces(stream, sizes), wanted);
        assert.deepEqual(readInPieces(stream, [1]), wanted);
      },
    ),
    { numRuns: 60 },
  );
  t.pass('no counterexample');
  t.end();
});

t.test('a captured session reads the same in bytes, in halves and in one piece', (t) => {
  const parts = POSTFIX_SESSION.map(([, hex]) => Buffer.from(hex, 'hex'));
  const stream = Buffer.concat(parts);
  const whole = readInPieces(stream, [stream.length]);
  t.equal(whole.length, POSTFIX_SESSION.length);
  for (const sizes of [[1], [2], [3], [4], [5], [7, 1], [1000]]) {
    t.strictSame(readInPieces(stream, sizes), whole);
  }
  t.end();
});

t.test('lengths at the edges', (t) => {
  for (const length of [0, 65537, 2 ** 30, 2 ** 31, 2 ** 32 - 1]) {
    t.throws(() => read(length), ProtocolError, `${length}`);
  }
  t.equal(read(1), undefined, 'an empty frame is complete with its letter only');
  t.equal(read(65536), undefined);
  t.throws(() => read(11, 10), /expected 1 to 10/);
  const reader = new FrameReader();
  reader.push(encodeFrame('B', Buffer.alloc(65535, 'x')));
  t.equal(reader.next()?.payload.length, 65535);
  t.equal(reader.heldBytes, 0);
  t.end();
});

t.test('what other protocols send first is refused at its fourth byte', (t) => {
  const hostile = {
    http: Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
    smtp: Buffer.from('EHLO scanner\r\n'),
    tls: Buffer.from('16030100c8010000c40303', 'hex'),
    log: Buffer.from('postsrsd: starting'),
    ssh: Buffer.from('SSH-2.0-scan\r\n'),
  };
  for (const [name, bytes] of Object.entries(hostile)) {
    const reader = new FrameReader();
    reader.push(bytes.subarray(0, 4));
    t.throws(() => reader.next(), ProtocolError, name);
  }
  t.end();
});

t.test('memory follows the bytes received, not the length announced', (t) => {
  const reader = new FrameReader(2 ** 30);
  const head = Buffer.alloc(5, 'B');
  head.writeUInt32BE(2 ** 30);
  const before = process.memoryUsage();
  for (const byte of head) reader.push(Buffer.of(byte));
  for (let i = 0; i < 2000; i++) {
    reader.push(Buffer.of(0x78));
    assert.equal(reader.next(), undefined);
  }
  const after = process.memoryUsage();
  t.equal(reader.heldBytes, 2005);
  t.ok(after.arrayBuffers - before.arrayBuffers < 2 ** 20);
  t.end();
});

t.test('random bytes give frames or ProtocolError', (t) => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 10 }), (chunks) => {
      const reader = new FrameReader(64);
      try {
        for (const chunk of chunks) {
          reader.push(Buffer.from(chunk));
          drain(reader);
          if (reader.heldBytes > 68) throw new Error('holds more than a frame');
        }
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
      }
    }),
  );
  t.pass('no counterexample');
  t.end();
});
