import t from 'tap';
import type { MilterOptions } from '../../src/milter/options.ts';
import { reply } from '../../src/milter/verdict.ts';
import { POSTFIX_SESSION } from './postfix-session.ts';
import { lineTo } from './memory-wire.ts';

/** Answers as the filter did that was captured. */
const CAPTURED: MilterOptions<undefined, undefined> = {
  on: {
    connect() {},
    helo() {},
    mail() {},
    rcpt({ address }) {
      if (address.includes('tempfail')) return reply(451, '4.7.1', 'Rate 100% exceeded, try later');
      if (address.includes('multi'))
        return reply(450, '4.2.1', 'line one', 'line two', 'line three');
      return undefined;
    },
    data() {},
    unknown() {},
    header() {},
    eoh() {},
    body() {},
    eom() {},
  },
  edits: [
    'addHeader',
    'changeHeader',
    'replaceBody',
    'addRecipient',
    'deleteRecipient',
    'changeFrom',
    'quarantine',
  ],
};

t.test('a captured Postfix session is answered as libmilter answered it, frame by frame', (t) => {
  const { wire, connection, service } = lineTo(CAPTURED, null);
  let unanswered = '';
  for (const [at, [from, hex]] of POSTFIX_SESSION.entries()) {
    if (from === '>') {
      t.equal(wire.takeHex(), unanswered, `nothing stands before frame ${at}`);
      connection.receive(Buffer.from(hex, 'hex'));
    } else if (hex.startsWith('0000000d4f')) {
      // libmilter takes every right, also those it has no use for.
      t.equal(wire.takeHex(), '0000000d4f00000006000000ff00000400');
    } else {
      t.equal(wire.takeHex(), hex, `frame ${at}`);
    }
    unanswered = '';
  }
  t.equal(wire.takeHex(), '');
  t.equal(wire.state, 'ended');
  t.equal(service.messages, 2);
  t.end();
});

t.test('the same in single bytes, and in one piece', (t) => {
  const sent = Buffer.concat(
    POSTFIX_SESSION.filter(([from]) => from === '>').map(([, hex]) => Buffer.from(hex, 'hex')),
  );
  const answers = POSTFIX_SESSION.filter(([from]) => from === '<').map(([, hex]) => hex);
  const wanted = answers.join('').slice(34);
  for (const size of [1, 2, 3, 7, 64, sent.length]) {
    const { wire, connection } = lineTo(CAPTURED, null);
    for (let at = 0; at < sent.length; at += size) {
      connection.receive(Buffer.from(sent.subarray(at, at + size)));
    }
    t.equal(wire.takeHex().slice(34), wanted, `${size} bytes a piece`);
    t.equal(wire.state, 'ended');
  }
  t.end();
});

/** Frames that a live libmilter was sent after an offer of version 6, and what came of them. */
const CLOSES: Readonly<Record<string, string>> = {
  'address family X': '000000084368005800006100',
  'CONNECT without its last NUL': '0000000f4368003400193139322e302e322e31',
  'MACRO with no letter': '0000000144',
  'unknown letter': '000000015a',
  'length 0': '0000000051',
  'length 2^31 - 1': '7fffffff42',
  'length 2^32 - 1': 'ffffffff42',
  'length 65537': '0001000142',
  'header with one string': '000000094c5375626a65637400',
  'header without its last NUL': '0000000b4c5375626a656374006869',
  'MAIL without NUL': '000000064d3c6140783e',
  'MAIL with nothing': '000000014d',
  'a second offer': '0000000d4f00000006000001ff001fffff',
};
const TAKES: Readonly<Record<string, string>> = {
  'IPv6: before the address': '00000017436800360019495076363a323030313a6462383a3a3100',
  'unknown family': '0000000a43756e6b6e6f776e0055',
  'empty header': '000000044c580000',
  'the last of the body in the end of message': '00000007457461696c0d0a',
};
const PASSES_OVER: Readonly<Record<string, string>> = {
  'odd macros': '0000000e44436a006d78006c6f6e656c7900',
  'macros without NUL': '0000000344436a',
  'macros of an unknown event': '00000007445a6a006d7800',
  'empty macros': '000000024448',
  ABORT: '0000000141',
};

t.test('what libmilter closes on, takes, or passes over, so do we', (t) => {
  for (const [name, hex] of Object.entries(CLOSES)) {
    const { wire, connection } = lineTo(CAPTURED);
    connection.receive(Buffer.from(hex, 'hex'));
    t.equal(wire.takeHex(), '', name);
    t.equal(wire.state, 'destroyed', name);
    connection.receive(Buffer.from('0000000148', 'hex'));
    t.equal(wire.takeHex(), '', 'nothing is read afterwards');
  }
  for (const [name, hex] of Object.entries(TAKES)) {
    const { wire, connection } = lineTo(CAPTURED);
    connection.receive(Buffer.from(hex, 'hex'));
    t.equal(wire.takeHex(), '0000000163', name);
  }
  for (const [name, hex] of Object.entries(PASSES_OVER)) {
    const { wire, connection } = lineTo(CAPTURED);
    connection.receive(Buffer.from(hex, 'hex'));
    t.equal(wire.takeHex(), '', name);
    t.equal(wire.state, 'open', name);
  }
  t.end();
});
