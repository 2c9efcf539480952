import { type Answer, decode, encode } from 'dns-packet';
import t from 'tap';
import { encodeQuestion, isDomain, type MxReply, readReply } from '../../src/provider/mx-answer.ts';

const DOMAIN = 'example.org';

function mx(exchange: string, ttl = 300, name = DOMAIN): Answer {
  return { type: 'MX', name, ttl, data: { preference: 10, exchange } };
}

function alias(name: string, data: string, ttl = 300): Answer {
  return { type: 'CNAME', name, ttl, data };
}

function soa(ttl: number, minimum: number): Answer {
  const data = { mname: 'ns.example.org', rname: 'root.example.org', minimum };
  return { type: 'SOA', name: DOMAIN, ttl, data };
}

/** `code`: the reply's RCODE, with the flags that go beside it. */
function reply(answers: Answer[], code = 0, authorities: Answer[] = [], name = DOMAIN): Buffer {
  return encode({
    type: 'response',
    id: 7,
    flags: code,
    questions: [{ type: 'MX', name }],
    answers,
    authorities,
  });
}

const hosts = (ttlSec: number, ...names: string[]): MxReply => ({
  kind: 'answer',
  answer: { kind: 'hosts', hosts: names },
  ttlSec,
});
const none = (kind: 'address' | 'missing' | 'null', ttlSec: number): MxReply => ({
  kind: 'answer',
  answer: { kind },
  ttlSec,
});
const odd: MxReply = {
  kind: 'answer',
  answer: { kind: 'unusable', why: 'one of its MX records names no host' },
  ttlSec: 300,
};

const table: Readonly<Record<string, readonly [Buffer, MxReply | undefined]>> = {
  'one host': [reply([mx('MX.Example.NET')]), hosts(300, 'mx.example.net')],
  'several hosts, the least TTL, each once': [
    reply([mx('b.example.net', 600), mx('a.example.net', 60), mx('A.example.net', 90)]),
    hosts(60, 'a.example.net', 'b.example.net'),
  ],
  'an alias, whose TTL counts too': [
    reply([alias(DOMAIN, 'else.example', 30), mx('mx.example.net', 300, 'else.example')]),
    hosts(30, 'mx.example.net'),
  ],
  'aliases in any order': [
    reply([
      mx('m.example', 9, 'c.example'),
      alias('b.example', 'c.example'),
      alias(DOMAIN, 'b.example'),
    ]),
    hosts(9, 'm.example'),
  ],
  'records of another name are none of its own': [
    reply([mx('mx.outlook.example', 300, 'other.example')]),
    none('address', 0),
  ],
  'aliases in a circle': [
    reply([alias(DOMAIN, 'b.example'), alias('b.example', DOMAIN)]),
    { kind: 'failed', why: 'aliases that lead nowhere' },
  ],
  'null MX': [reply([mx('.')]), none('null', 300)],
  'null MX beside a host': [reply([mx('.'), mx('mx.example.net')]), odd],
  'no MX': [reply([], 0, [soa(600, 90)]), none('address', 90)],
  'no MX, an SOA that lives shorter': [reply([], 0, [soa(20, 90)]), none('address', 20)],
  'no such domain': [reply([], 3, [soa(600, 120)]), none('missing', 120)],
  'no such domain, no SOA': [reply([], 3), none('missing', 0)],
  'a TTL with the highest bit': [
    reply([mx('mx.example.net', 0x80000000)]),
    hosts(0, 'mx.example.net'),
  ],
  'a host with a blank': [reply([mx('a b.example.net')]), odd],
  'a host that is an address': [reply([mx('192.0.2.1')]), odd],
  'a host with bytes that are no text': [reply([mx('m\u{fffd}.example')]), odd],
  'a label that is too long for a host': [reply([mx('-x.example.net')]), odd],
  SERVFAIL: [reply([], 2), { kind: 'failed', why: 'SERVFAIL' }],
  REFUSED: [reply([], 5), { kind: 'failed', why: 'REFUSED' }],
  'another error': [reply([], 11), { kind: 'failed', why: 'error 11' }],
  'cut off': [reply([mx('mx.example.net')], 0x0200), { kind: 'truncated' }],
  'another domain': [reply([mx('mx.example.net')], 0, [], 'example.com'), undefined],
  'too many hosts': [
    reply(Array.from({ length: 65 }, (_, i) => mx(`mx${i}.example.net`))),
    {
      kind: 'answer',
      answer: { kind: 'unusable', why: 'it lists more than 64 MX hosts' },
      ttlSec: 300,
    },
  ],
};
for (const [name, [bytes, expected]] of Object.entries(table)) {
  t.same(readReply(bytes, 7, DOMAIN), expected, name);
}

t.equal(readReply(reply([mx('mx.example.net')]), 8, DOMAIN), undefined, 'another id');
t.equal(readReply(encodeQuestion(7, DOMAIN), 7, DOMAIN), undefined, 'a question is no reply');
t.equal(readReply(Buffer.from([0, 7, 0x80]), 7, DOMAIN), undefined, 'three bytes');

t.test('bytes cut off or changed anywhere never throw', async (t) => {
  const whole = reply([alias(DOMAIN, 'b.example'), mx('mx.example.net', 300, 'b.example')], 0, [
    soa(1, 1),
  ]);
  for (let length = 0; length < whole.length; length++) {
    t.not(readReply(whole.subarray(0, length), 7, DOMAIN)?.kind, 'answer', `${length} bytes`);
  }
  let read = 0;
  for (let at = 2; at < whole.length; at++) {
    for (const byte of [0, 0x3f, 0xc0, 0xff]) {
      const bytes = Buffer.from(whole);
      bytes[at] = byte;
      if (readReply(bytes, 7, DOMAIN) !== undefined) read++;
    }
  }
  t.ok(read > 100, `${read} of them were read`);
});

t.test('the question', async (t) => {
  const { questions, additionals, id, flag_rd } = decode(encodeQuestion(513, DOMAIN));
  t.match({ id, flag_rd }, { id: 513, flag_rd: true });
  t.match(questions, [{ type: 'MX', name: DOMAIN }]);
  t.match(additionals, [{ type: 'OPT', udpPayloadSize: 1232 }]);
});

const domains: Readonly<Record<string, boolean>> = {
  'example.org': true,
  'xn--mnchen-3ya.de': true,
  '_x.example.org': true,
  localhost: false,
  '[192.0.2.1]': false,
  '192.0.2.1': false,
  'münchen.de': false,
  'a..b': false,
  '': false,
  'a b.de': false,
  [`${'a'.repeat(64)}.de`]: false,
  [`${'a.'.repeat(130)}de`]: false,
};
for (const [domain, is] of Object.entries(domains)) t.equal(isDomain(domain), is, domain);
