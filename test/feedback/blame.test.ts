import t from 'tap';

import { addressesIn, blameOf, type Evidence } from '../../src/feedback/blame.ts';

const ours = ['192.0.2.25', '2001:db8::25'];
const relay = 'mx.example.org[198.51.100.2]:25';
const forwarded = { recipient: 'jane@hotmail.com', originalRecipient: 'jane@etu.utc.fr' };

t.test('whose doing it is', async (test) => {
  const table: readonly (readonly [string, Evidence, string])[] = [
    ['messages from [192.0.2.25] were not sent', { ownAddresses: ours }, 'ours'],
    ['messages from [192.0.2.25] were not sent', { ownAddresses: ours, relay }, 'ours'],
    ['messages from [192.0.2.25] were not sent', { ownAddresses: ours, ...forwarded }, 'ours'],
    ['messages from [203.0.113.9] were not sent', { ownAddresses: ours }, 'intermediary'],
    ['messages from [203.0.113.9] were not sent', { ownAddresses: ours, relay }, 'intermediary'],
    [
      'messages from [203.0.113.9] were not sent',
      { ownAddresses: ours, ...forwarded },
      'intermediary',
    ],
    ['messages from [203.0.113.9] were not sent', {}, 'unknown'],
    ['messages from [203.0.113.9] were not sent', { relay }, 'unknown'],
    ['messages from [203.0.113.9] were not sent', { ownAddresses: ['10.0.0.5'], relay }, 'unknown'],
    ['messages from [203.0.113.9] were not sent', { ownAddresses: ['2001:db8::25'] }, 'unknown'],
    ['messages from [203.0.113.9] were not sent', forwarded, 'unknown'],
    ['listed: 2001:DB8:0:0::25', { ownAddresses: ours }, 'ours'],
    ['listed: 2001:db8::26', { ownAddresses: ours }, 'intermediary'],
    ['listed: ::ffff:192.0.2.25', { ownAddresses: ours }, 'ours'],
    ['Policy reason', { relay }, 'ours'],
    ['Policy reason', { relay, ...forwarded }, 'ours'],
    ['Policy reason', forwarded, 'intermediary'],
    ['Policy reason', { recipient: 'A@x.org', originalRecipient: 'a@X.org' }, 'unknown'],
    ['Policy reason', {}, 'unknown'],
    ['mx [198.51.100.2] says no', { ownAddresses: ours, relay }, 'ours'],
    ['listed as 127.0.0.4 at 10.1.2.3', { ownAddresses: ours }, 'unknown'],
    ['[TSS04] Messages from 192.0.2.25 deferred - 4.16.55.1; see', { ownAddresses: ours }, 'ours'],
    ['[TSS04] deferred - 4.16.55.1; see', { ownAddresses: ours }, 'unknown'],
    ['Client host [203.0.113.9], listed with 192.0.2.25', { ownAddresses: ours }, 'ours'],
  ];
  for (const [text, evidence, blame] of table) {
    test.equal(blameOf(text, evidence), blame, `${text} ${JSON.stringify(evidence)}`);
  }
});

t.test('addresses in a text', async (test) => {
  const table: Readonly<Record<string, readonly string[]>> = {
    'from [192.0.2.1].': ['192.0.2.1'],
    '(192.0.2.1:25) ip=192.0.2.2&x': ['192.0.2.1', '192.0.2.2'],
    'https://www.spamhaus.org/query/ip/192.0.2.1': ['192.0.2.1'],
    '550-192.0.2.1 is bad, 192.0.2.1.': ['192.0.2.1'],
    ':127.0.0.4:Client': ['127.0.0.4'],
    'IP:192.0.2.1 - problem': ['192.0.2.1'],
    '5.7.1 4.16.1 1.2.3 256.1.1.1 12:30:45 2026-01-01': [],
    '[2401:2500:102:3032:192.0.2.222 13]': [],
    '2001:db8::1, [IPv6:2001:db8::2]': ['2001:db8::1', '2001:db8::2'],
  };
  for (const [text, found] of Object.entries(table)) test.same(addressesIn(text), found, text);
});
