import * as fc from 'fast-check';
import t from 'tap';
import { toDestination } from '../../src/mail/destination.ts';

const table: readonly (readonly [name: string, typed: string, expected: string | undefined])[] = [
  ['plain', 'example.org', 'example.org'],
  ['mixed case', 'ExAmple.ORG', 'example.org'],
  ['trailing dot', 'example.org.', 'example.org'],
  ['U-label', 'münchen.de', 'xn--mnchen-3ya.de'],
  ['U-label in capitals', 'MÜNCHEN.DE', 'xn--mnchen-3ya.de'],
  ['decomposed U-label', 'mu\u0308nchen.de', 'xn--mnchen-3ya.de'],
  ['A-label in capitals', 'XN--MNCHEN-3YA.de', 'xn--mnchen-3ya.de'],
  ['sharp s keeps its own label', 'fußball.de', 'xn--fuball-cta.de'],
  ['ideographic full stops', '日本。jp。', 'xn--wgv71a.jp'],
  ['full-width letters', 'ｇｍａｉｌ.com', 'gmail.com'],
  ['underscore', '_dmarc.Example.org', '_dmarc.example.org'],
  ['underscore beside a U-label', 'a_b.münchen.de', 'a_b.xn--mnchen-3ya.de'],
  ['an A-label that decodes to nothing', 'xn--zzzzzzzz.com', 'xn--zzzzzzzz.com'],
  ['a slash beside a U-label', 'É/x.org', 'é/x.org'],
  ['a percent escape stays', 'a%41.com', 'a%41.com'],
  ['a lone surrogate', '\ud800.com', '\ud800.com'],
  ['one label', 'LOCALHOST', 'localhost'],
  ['digits are no address', '1.2.3', '1.2.3'],
  ['full-width digits neither', '１.２.３', '１.２.３'],
  ['address without brackets', '192.0.2.1', '192.0.2.1'],
  ['IPv4 literal', '[192.0.2.1]', '[192.0.2.1]'],
  ['IPv6 literal', '[IPv6:2001:DB8:0:0::1]', '[ipv6:2001:db8::1]'],
  ['IPv6 literal without its tag', '[2001:db8::1]', '[ipv6:2001:db8::1]'],
  ['IPv6 literal that maps IPv4', '[IPv6:::ffff:192.0.2.1]', '[ipv6:::ffff:c000:201]'],
  ['IPv6 literal with a zone', '[IPv6:fe80::1%eth0]', '[ipv6:fe80::1%eth0]'],
  ['no address in brackets', '[Example]', '[example]'],
  ['empty brackets', '[]', '[]'],
  ['empty', '', undefined],
  ['dots alone', '...', undefined],
  ['empty label inside', 'a..b', 'a..b'],
];

for (const [name, typed, expected] of table) {
  t.equal(toDestination(typed), expected, name);
}

// Any text has a destination or none, and a destination is its own.
const domains = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }).map((s) => `${s}.org`),
  fc.domain(),
  fc.ipV6().map((ip) => `[IPv6:${ip}]`),
);
const property = fc.property(domains, (typed) => {
  const once = toDestination(typed);
  if (once === undefined) return true;
  return once !== '' && !once.endsWith('.') && toDestination(once) === once;
});
t.doesNotThrow(() => fc.assert(property, { numRuns: 600 }), 'any text has one, and it is its own');
