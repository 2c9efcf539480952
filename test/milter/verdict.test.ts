import * as fc from 'fast-check';
import t from 'tap';
import { STAGES } from '../../src/milter/codes.ts';
import { FrameReader } from '../../src/milter/frame.ts';
import { decodeReply } from '../../src/milter/mta.ts';
import { encodeReply } from '../../src/milter/reply.ts';
import {
  accept,
  discard,
  isVerdict,
  proceed,
  reject,
  reply,
  skip,
  tempfail,
  type ReplyCode,
} from '../../src/milter/verdict.ts';

function wireText(refusal: ReplyCode): string {
  return encodeReply(refusal).subarray(5).toString('latin1');
}

t.test('the text of a refusal', (t) => {
  t.equal(wireText(reply(451, '4.7.1', 'slow down')), '451 4.7.1 slow down\0');
  t.equal(
    wireText(reply(450, '4.2.1', 'line one', 'line two', 'line three')),
    '450-4.2.1 line one\r\n450-4.2.1 line two\r\n450 4.2.1 line three\0',
  );
  t.equal(
    wireText(reply(451, '4.7.1', 'Rate 100% exceeded')),
    '451 4.7.1 Rate 100%% exceeded\0',
    'a lone % would replace the whole text',
  );
  t.equal(wireText({ kind: 'replycode', code: 450, lines: ['plain text'] }), '450 plain text\0');
  t.end();
});

t.test('what no MTA would take is refused', (t) => {
  const refusals: readonly [string, () => unknown][] = [
    ['class mismatch', () => reply(451, '5.7.1', 'x')],
    ['CR', () => reply(451, '4.7.1', 'a\rb')],
    ['LF', () => reply(451, '4.7.1', 'a\nb')],
    ['NUL', () => reply(451, '4.7.1', 'a\0b')],
    ['control', () => reply(451, '4.7.1', 'a\x07b')],
    ['8-bit', () => reply(451, '4.7.1', 'trop d’envois')],
    ['no line', () => reply(451, '4.7.1')],
    ['33 lines', () => reply(451, '4.7.1', ...Array.from({ length: 33 }, () => 'x'))],
    ['511 bytes', () => reply(451, '4.7.1', 'x'.repeat(501))],
    ['2xx', () => encodeReply({ kind: 'replycode', code: 250, lines: ['ok'] })],
    ['dsn', () => encodeReply({ kind: 'replycode', code: 450, dsn: '4.7', lines: ['x'] })],
  ];
  for (const [name, attempt] of refusals) t.throws(attempt, RangeError, name);
  t.equal(wireText(reply(451, '4.7.1', 'x'.repeat(500))).length, 511);
  t.end();
});

t.test('the strictest reader takes whatever is encoded', (t) => {
  const line = fc.string({
    unit: fc.integer({ min: 0x20, max: 0x7e }).map((c) => String.fromCharCode(c)),
    maxLength: 80,
  });
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 32 }), (lines) => {
      const refusal = reply(452, '4.3.1', ...lines);
      const reader = new FrameReader();
      reader.push(encodeReply(refusal));
      const frame = reader.next();
      if (!frame) throw new Error('no frame');
      const read = decodeReply(frame);
      if (JSON.stringify(read) !== JSON.stringify(refusal)) throw new Error(JSON.stringify(read));
    }),
  );
  t.pass('no counterexample');
  t.end();
});

t.test('which verdict may be given where', (t) => {
  for (const stage of STAGES) {
    for (const verdict of [proceed, reject, tempfail, reply(451, '4.7.1', 'x')]) {
      t.ok(isVerdict(stage, verdict), `${verdict.kind} at ${stage}`);
    }
    t.equal(isVerdict(stage, accept), stage === 'eom', `accept at ${stage}`);
    t.equal(isVerdict(stage, skip), ['header', 'body'].includes(stage), `skip at ${stage}`);
    t.equal(
      isVerdict(stage, discard),
      !['connect', 'helo', 'unknown'].includes(stage),
      `discard at ${stage}`,
    );
    const junk = [null, 'continue', 7, {}, { kind: 'progress' }, { kind: 'replycode' }];
    const broken = { kind: 'replycode', code: 451, dsn: '5.0.0', lines: ['x'] };
    for (const value of [...junk, broken, { kind: 'replycode', code: 451, lines: [1] }]) {
      t.notOk(isVerdict(stage, value), `${JSON.stringify(value)} at ${stage}`);
    }
  }
  t.end();
});
