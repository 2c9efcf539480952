import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import t from 'tap';
import { decodeCommand, type Command } from '../../src/milter/command.ts';
import { ProtocolError } from '../../src/milter/error.ts';
import { encodeFrame, FrameReader, type Frame } from '../../src/milter/frame.ts';
import { decodeReply, encodeCommand, envelope } from '../../src/milter/mta.ts';
import { encodeReply, type Reply } from '../../src/milter/reply.ts';
import { bytesOf, textOf } from '../../src/milter/text.ts';
import { POSTFIX_SESSION } from './postfix-session.ts';
import { VECTORS } from './vectors.ts';

function frameOf(hex: string): Frame {
  const reader = new FrameReader();
  reader.push(Buffer.from(hex, 'hex'));
  const frame = reader.next();
  if (!frame || reader.heldBytes > 0) throw new Error(`not one frame: ${hex}`);
  return frame;
}

function command(letter: string, payload: string | Buffer): Command {
  return decodeCommand({ letter, payload: Buffer.from(payload) });
}

for (const { from, name, hex } of VECTORS) {
  t.test(`${name}: decoded and encoded again`, (t) => {
    const frame = frameOf(hex);
    const again =
      from === 'mta' ? encodeCommand(decodeCommand(frame)) : encodeReply(decodeReply(frame));
    t.equal(again.toString('hex'), hex);
    t.end();
  });
}

t.test('every frame of a captured session, both ways', (t) => {
  for (const [from, hex] of POSTFIX_SESSION) {
    const frame = frameOf(hex);
    const again =
      from === '>' ? encodeCommand(decodeCommand(frame)) : encodeReply(decodeReply(frame));
    t.equal(again.toString('hex'), hex);
  }
  t.end();
});

t.test('what a few rows say', (t) => {
  t.match(command('C', 'host.example\x004\x9c@192.0.2.1\0'), { family: 'inet' });
  t.strictSame(
    decodeCommand(frameOf('0000001b4376362e6578616d706c6500363039323030313a6462383a3a3100')),
    {
      kind: 'connect',
      host: 'v6.example',
      family: 'inet6',
      port: 12345,
      address: '2001:db8::1',
    },
  );
  t.strictSame(decodeCommand(frameOf('00000018436c6f63616c686f73740034a8ec3132372e302e302e3100')), {
    kind: 'connect',
    host: 'localhost',
    family: 'inet',
    port: 43244,
    address: '127.0.0.1',
  });
  t.strictSame(decodeReply(frameOf('000000157934353120342e372e3120736c6f7720646f776e00')), {
    kind: 'replycode',
    code: 451,
    dsn: '4.7.1',
    lines: ['slow down'],
  });
  t.match(command('M', '<a@b>\0SIZE=1000\0SMTPUTF8\0'), {
    address: '<a@b>',
    args: ['SIZE=1000', 'SMTPUTF8'],
  });
  t.match(command('M', '\0'), { address: '', args: [] }, 'sendmail(1) with the null sender');
  t.end();
});

t.test('CONNECT: families', (t) => {
  t.match(command('C', 'h\x006\0\x19IPv6:2001:db8::1\0'), {
    family: 'inet6',
    address: '2001:db8::1',
  });
  t.match(command('C', 'h\0U'), { family: 'unknown', host: 'h' });
  t.match(command('C', 'h\0L\0\0/run/x.sock\0'), {
    family: 'unix',
    port: 0,
    address: '/run/x.sock',
  });
  for (const payload of [
    'h',
    'h\0',
    'h\0X\0\0a\0',
    'h\x004',
    'h\x004\0',
    'h\x004\0\x19192.0.2.1',
  ]) {
    t.throws(() => command('C', payload), ProtocolError, JSON.stringify(payload));
  }
  t.end();
});

t.test('MACRO: empty, odd, without its last NUL, of an unknown event', (t) => {
  t.strictSame(command('D', 'H'), { kind: 'macros', letter: 'H', list: [] });
  t.strictSame(command('D', 'Cj\0mx\0lonely\0'), {
    kind: 'macros',
    letter: 'C',
    list: ['j', 'mx', 'lonely'],
  });
  t.strictSame(command('D', 'Cj'), { kind: 'macros', letter: 'C', list: ['j'] });
  t.match(command('D', 'Zj\0mx\0'), { letter: 'Z' });
  t.match(command('D', 'Mi\0\0'), { list: ['i', ''] });
  t.throws(() => command('D', ''), ProtocolError);
  t.end();
});

t.test('payloads that break their own rules', (t) => {
  const broken: readonly [string, string][] = [
    ['O', '\0\0\0\x06\0\0\x01\xff'],
    ['H', 'abc'],
    ['H', ''],
    ['M', ''],
    ['M', '<a@x>'],
    ['R', '<a@x>\0NOTIFY=NEVER'],
    ['U', 'FOO'],
    ['L', 'Subject\0'],
    ['L', 'Subject\0hi'],
    ['L', ''],
    ['Z', ''],
    ['', ''],
    ['\xff', ''],
  ];
  for (const [letter, payload] of broken) {
    t.throws(() => command(letter, payload), ProtocolError, JSON.stringify([letter, payload]));
  }
  t.strictSame(
    command('O', '\0\0\0\x06\0\0\x01\xffext\0ra bytes'.replace('\xff', '\x7f')).kind,
    'optneg',
  );
  t.match(command('L', 'X\0\0'), { name: 'X', value: Buffer.alloc(0) });
  t.match(command('E', 'tail'), { kind: 'eom', chunk: Buffer.from('tail') });
  t.match(command('B', ''), { kind: 'body' });
  t.end();
});

t.test('bit 31 is no sign', (t) => {
  const offer = { kind: 'optneg', version: 6, actions: 0x1ff, protocol: 0xf01fffff } as const;
  t.strictSame(decodeCommand(frameOf(encodeCommand(offer).toString('hex'))), offer);
  t.end();
});

t.test('text: UTF-8 as it is, other bytes kept', (t) => {
  t.equal(textOf(Buffer.from('jörg@exämple')), 'jörg@exämple');
  t.equal(textOf(Buffer.from([0x61, 0xe9, 0x62])), 'a\udce9b');
  t.strictSame(bytesOf('a\udce9b'), Buffer.from([0x61, 0xe9, 0x62]));
  t.strictSame(bytesOf('😀'), Buffer.from('😀'));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      assert.deepEqual(bytesOf(textOf(Buffer.from(bytes))), Buffer.from(bytes));
    }),
  );
  const raw = Buffer.from([0x3c, 0xff, 0x40, 0x78, 0x3e]);
  const mail = command('M', Buffer.concat([raw, Buffer.of(0)]));
  t.match(mail, { raw });
  t.strictSame(encodeCommand(mail).subarray(5), Buffer.concat([raw, Buffer.of(0)]));
  t.end();
});

const text = fc
  .string({ unit: 'binary', maxLength: 20 })
  .map((s) => textOf(bytesOf(s.replaceAll('\0', ''))));

t.test('commands survive the wire', (t) => {
  const bytes = fc.uint8Array({ maxLength: 50 }).map((b) => Buffer.from(b));
  const commands: fc.Arbitrary<Command> = fc.oneof(
    fc.record({ kind: fc.constant('helo' as const), name: text }),
    fc.record({ kind: fc.constant('unknown' as const), line: text }),
    fc.tuple(text, fc.array(text, { maxLength: 3 })).map(([a, args]) => envelope('mail', a, args)),
    fc.tuple(text, fc.array(text, { maxLength: 3 })).map(([a, args]) => envelope('rcpt', a, args)),
    fc.record({ kind: fc.constant('header' as const), name: text, value: bytes }),
    fc.record({ kind: fc.constant('body' as const), chunk: bytes }),
    fc.record({
      kind: fc.constant('connect' as const),
      host: text,
      family: fc.constantFrom('inet' as const, 'unix' as const),
      port: fc.nat(65535),
      address: text,
    }),
    fc.record({
      kind: fc.constant('macros' as const),
      letter: fc.constantFrom('C', 'M', 'E'),
      list: fc.array(
        text.filter((s) => s !== ''),
        { maxLength: 6 },
      ),
    }),
  );
  fc.assert(
    fc.property(commands, (sent) => {
      const got = decodeCommand(frameOf(encodeCommand(sent).toString('hex')));
      assert.deepEqual(got, { ...sent });
    }),
    { numRuns: 300 },
  );
  t.pass('no counterexample');
  t.end();
});

t.test('edits survive the wire', (t) => {
  const index = fc.nat(1000);
  const edits: fc.Arbitrary<Reply> = fc.oneof(
    fc.record({ kind: fc.constant('addHeader' as const), name: text, value: text }),
    fc.record({ kind: fc.constant('insertHeader' as const), index, name: text, value: text }),
    fc.record({ kind: fc.constant('changeHeader' as const), index, name: text, value: text }),
    fc.record({ kind: fc.constant('addRecipient' as const), address: text }),
    fc.record({ kind: fc.constant('addRecipient' as const), address: text, args: text }),
    fc.record({ kind: fc.constant('deleteRecipient' as const), address: text }),
    fc.record({ kind: fc.constant('changeFrom' as const), address: text }),
    fc.record({ kind: fc.constant('quarantine' as const), reason: text }),
  );
  fc.assert(
    fc.property(edits, (sent) => {
      assert.deepEqual(decodeReply(frameOf(encodeReply(sent).toString('hex'))), { ...sent });
    }),
    { numRuns: 300 },
  );
  t.throws(() => encodeReply({ kind: 'quarantine', reason: 'a\0b' }), RangeError);
  t.throws(() => encodeReply({ kind: 'replaceBody', chunk: Buffer.alloc(65536) }), RangeError);
  t.end();
});

t.test('any frame decodes or is a ProtocolError, on both sides', (t) => {
  const frames = fc.record({
    letter: fc.oneof(
      fc.constantFrom(...'OCHMRTULNBEDAQKcartdspyqhimb+2-e'.split('')),
      fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
    ),
    payload: fc.oneof(
      fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
      fc
        .string({ unit: fc.constantFrom('\0', 'a', '4', '5', '.', ' ', '-', '\r', '\n', '%') })
        .map((s) => Buffer.from(s)),
    ),
  });
  fc.assert(
    fc.property(frames, (frame) => {
      for (const decode of [decodeCommand, decodeReply]) {
        try {
          decode(frame);
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error;
        }
      }
    }),
    { numRuns: 5000 },
  );
  t.equal(encodeFrame('Q').length, 5);
  t.end();
});
