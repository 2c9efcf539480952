import t from 'tap';

import { MOST_CHARACTERS, readReply } from '../../src/feedback/reply.ts';

t.test('code, enhanced code, stage and text', async (test) => {
  const table: readonly (readonly [string, number | undefined, string | undefined, string])[] = [
    ['550 5.7.1 No', 550, '5.7.1', '550 5.7.1 no'],
    ['421 Too many', 421, undefined, '421 too many'],
    ['Connection timed out', undefined, undefined, 'connection timed out'],
    ['smtp; 550 5.1.1 Unknown', 550, '5.1.1', 'smtp; 550 5.1.1 unknown'],
    ['host mx.example.org[192.0.2.2] said: 451 4.7.1 Wait', 451, '4.7.1', '451 4.7.1 wait'],
    [
      'delivery temporarily suspended: host a[192.0.2.2] refused to talk to me: 421 No',
      421,
      undefined,
      '421 no',
    ],
    ['(reason: 550 Host unknown)', 550, undefined, '(reason: 550 host unknown)'],
    [
      'deliver in 840 minutes to 512 users',
      undefined,
      undefined,
      'deliver in 840 minutes to 512 users',
    ],
    ['550 sorry (#5.1.1)', 550, '5.1.1', '550 sorry (#5.1.1)'],
    ['550 [94.5.7.1 12] No', 550, undefined, '550 [ip 12] no'],
    ['550 2.3.4.5 is listed', 550, undefined, '550 ip is listed'],
    ['550 127.0.0.4 is listed', 550, undefined, '550 127.0.0.4 is listed'],
    ['421 4.7.0. Wait', 421, '4.7.0', '421 4.7.0. wait'],
    [
      '450 4.7.0 [postpace 554] 5.2.0 sc969: IP reputation ratelimit in effect',
      554,
      '5.2.0',
      '554 5.2.0 sc969: ip reputation ratelimit in effect',
    ],
    ['450 [postpace 550] Mail content denied', 550, undefined, '550 mail content denied'],
    [
      'a@example.org: SMTP error from remote mail server after MAIL FROM:<b@example.org> SIZE=15: host mx.example.org [192.0.2.2]: 550-5.7.1 No 550 5.7.1 way',
      550,
      '5.7.1',
      '@: no way',
    ],
    [
      'host mx.example.org [192.0.2.2] SMTP error from remote mail server after RCPT TO:<a@example.org>: 554 5.7.1 No',
      554,
      '5.7.1',
      '554 5.7.1 no',
    ],
  ];
  for (const [input, code, status, text] of table) {
    const read = readReply(input);
    test.same([read.code, read.status, read.text], [code, status, text], input);
  }
});

t.test('the stage that Postfix names', async (test) => {
  const stages = {
    'host a[192.0.2.2] said: 550 No (in reply to MAIL FROM command)': 'mail',
    'host a[192.0.2.2] said: 550 No (in reply to RCPT TO command)': 'rcpt',
    'host a[192.0.2.2] said: 550 No (in reply to DATA command)': 'data',
    'host a[192.0.2.2] said: 550 No (in reply to end of DATA command)': 'message',
    'host a[192.0.2.2] said: 550 No (in reply to EHLO command)': 'helo',
    'SMTP error from remote mail server after RCPT TO:<a@example.org>: host a [192.0.2.2]: 550 No':
      'rcpt',
    'SMTP error from remote mail server after end of data: host a [192.0.2.2]: 550 No': 'message',
    'SMTP error from remote mail server after initial connection: host a [2001:db8::2]: 554 No':
      'connect',
    'host a[192.0.2.2] refused to talk to me: 554 No': 'connect',
    '550 No': undefined,
  };
  for (const [input, stage] of Object.entries(stages)) {
    test.equal(readReply(input).stage, stage, input);
    test.match(readReply(input).text, /^55[04] no$/);
  }
});

t.test('the lines of a reply are one, however they were joined', async (test) => {
  const one = '550-5.2.1 receiving mail at a rate that prevents more';
  for (const input of [
    '550-5.2.1 receiving mail at a rate that 550-5.2.1 prevents 550 5.2.1 more',
    '550-5.2.1 receiving mail at a rate that\r\n550-5.2.1 prevents\r\n550 5.2.1 more\r\n',
  ]) {
    test.equal(readReply(input).text, one);
  }
  test.equal(
    readReply('553-you use me as a 553-relay 553 so').text,
    '553-you use me as a relay so',
  );
});

t.test('addresses say nothing, accents and capitals neither', async (test) => {
  test.equal(readReply('550 <spam@ham.example>: No').text, '550 <@>: no');
  test.equal(readReply('550 a@b c@d').text, '550 @ @');
  test.equal(readReply('550 @').text, '550 @');
  test.equal(readReply('550 Mail rejeté. It’s ÉTÉ').text, "550 mail rejete. it's ete");
  test.equal(
    readReply('550 Żądanie odrzuciła STRAẞE straße').text,
    '550 zadanie odrzucila strasse strasse',
  );
});

t.test('bounded, whatever comes', async (test) => {
  for (const input of [
    '',
    ' ',
    '\n',
    '@'.repeat(1e5),
    '550-'.repeat(1e5),
    'ﷺ'.repeat(1e5),
    '\ud800',
  ]) {
    const read = readReply(input);
    test.ok(read.text.length <= MOST_CHARACTERS);
    test.ok(read.written.length <= MOST_CHARACTERS);
  }
});
