import * as fc from 'fast-check';
import t from 'tap';
import { canonicalAddress, parseAddress } from '../../src/mail/address.ts';

interface Row {
  readonly name: string;
  readonly input: string | Uint8Array;
  /** undefined: the null sender. */
  readonly expected?: readonly [local: string, destination: string | undefined];
  readonly canonical: string;
}

const table: readonly Row[] = [
  { name: 'in brackets', input: '<a@b.org>', expected: ['a', 'b.org'], canonical: 'a@b.org' },
  { name: 'bare', input: 'a@b.org', expected: ['a', 'b.org'], canonical: 'a@b.org' },
  { name: 'null sender over SMTP', input: '<>', canonical: '' },
  { name: 'null sender from sendmail(1)', input: '', canonical: '' },
  { name: 'spaces around', input: ' <a@b.org> ', expected: ['a', 'b.org'], canonical: 'a@b.org' },
  {
    name: 'bare postmaster',
    input: 'Postmaster',
    expected: ['Postmaster', undefined],
    canonical: 'postmaster',
  },
  {
    name: 'postmaster in brackets',
    input: '<postmaster>',
    expected: ['postmaster', undefined],
    canonical: 'postmaster',
  },
  {
    name: 'case of the local part is kept, and compared without',
    input: '<Jo.Doe@Example.ORG.>',
    expected: ['Jo.Doe', 'example.org'],
    canonical: 'jo.doe@example.org',
  },
  {
    name: 'source route',
    input: '<@a.org,@b.org:c@d.org>',
    expected: ['c', 'd.org'],
    canonical: 'c@d.org',
  },
  {
    name: 'source route through an address literal',
    input: '<@[IPv6:2001:db8::1]:c@d.org>',
    expected: ['c', 'd.org'],
    canonical: 'c@d.org',
  },
  {
    name: 'quoted local with spaces',
    input: '<"a b"@c.org>',
    expected: ['"a b"', 'c.org'],
    canonical: '"a b"@c.org',
  },
  {
    name: 'quoted local with @, > and an escaped quote',
    input: '<"a@b>\\"@x"@c.org>',
    expected: ['"a@b>\\"@x"', 'c.org'],
    canonical: '"a@b>\\"@x"@c.org',
  },
  {
    name: 'a quote that never ends',
    input: '<"a@c.org>',
    expected: ['"a', 'c.org'],
    canonical: '"a@c.org',
  },
  {
    name: 'escaped @ outside quotes',
    input: '<a\\@b@c.org>',
    expected: ['a\\@b', 'c.org'],
    canonical: 'a\\@b@c.org',
  },
  {
    name: 'two @',
    input: '<a@b@c.org>',
    expected: ['a@b', 'c.org'],
    canonical: 'a@b@c.org',
  },
  {
    name: 'address literal',
    input: '<a@[192.0.2.1]>',
    expected: ['a', '[192.0.2.1]'],
    canonical: 'a@[192.0.2.1]',
  },
  { name: 'no domain after @', input: '<a@>', expected: ['a', undefined], canonical: 'a' },
  { name: 'no local part', input: '<@b.org>', expected: ['', 'b.org'], canonical: '@b.org' },
  {
    name: 'SMTPUTF8 as bytes',
    input: Buffer.from('<jürgen@münchen.de>'),
    expected: ['jürgen', 'xn--mnchen-3ya.de'],
    canonical: 'jürgen@xn--mnchen-3ya.de',
  },
  {
    name: '8-bit bytes that are no UTF-8',
    input: Buffer.from('<j\xfcrgen@example.org>', 'latin1'),
    expected: ['jürgen', 'example.org'],
    canonical: 'jürgen@example.org',
  },
  { name: 'one bracket', input: '<a@b.org', expected: ['<a', 'b.org'], canonical: '<a@b.org' },
];

for (const { name, input, expected, canonical } of table) {
  const address = parseAddress(input);
  const found = address.kind === 'null' ? undefined : [address.local, address.destination];
  t.same(found, expected, name);
  t.equal(canonicalAddress(address), canonical, `${name}: canonical`);
}

const inputs = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.uint8Array(),
  fc.string({ unit: fc.constantFrom('<', '>', '@', ':', '"', ',', '\\', '[', ']', '.', 'a', 'é') }),
  fc.emailAddress().map((a) => `<${a}>`),
);
let mailboxes = 0;
const anyInput = fc.property(inputs, (input) => {
  const address = parseAddress(input);
  if (address.kind === 'mailbox') mailboxes += 1;
  return typeof canonicalAddress(address) === 'string';
});
t.doesNotThrow(() => fc.assert(anyInput, { numRuns: 2000 }), 'any text and any bytes are a value');
t.ok(mailboxes > 500, 'most of the inputs were mailboxes');
