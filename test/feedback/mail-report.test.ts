import * as fc from 'fast-check';
import t from 'tap';
import { createClassifier } from '../../src/feedback/classify.ts';
import { readMailReport } from '../../src/feedback/mail-report.ts';
import { loadRules } from '../../src/feedback/rule-files.ts';
import { readReported } from '../../src/feedback/reported.ts';
import {
  arf,
  dsn,
  exchange,
  exim,
  internationalDsn,
  junkReport,
  letter,
  qmail,
  vacation,
} from './report-samples.ts';

const classifier = createClassifier(loadRules());

/** `recipient category`, one for each recipient, and what the mail is. */
async function read(raw: Uint8Array): Promise<readonly string[]> {
  const report = await readMailReport(raw);
  return [
    report.kind,
    ...report.recipients.map((one) => {
      const { category } = readReported(one, classifier, {});
      return `${one.recipient ?? '-'} ${one.action} ${category}`;
    }),
  ];
}

const SAMPLES: readonly (readonly [name: string, raw: Uint8Array, expected: readonly string[]])[] =
  [
    ['a DSN', dsn({ recipient: 'jane@utc.fr' }), ['dsn', 'jane@utc.fr failed policy']],
    [
      'a DSN that something is late',
      dsn({
        recipient: 'jane@outlook.com',
        action: 'delayed',
        status: '4.7.650',
        diagnostic: '451 4.7.650 The mail server [192.0.2.25] has been temporarily rate limited',
      }),
      ['dsn', 'jane@outlook.com delayed throttled'],
    ],
    [
      'a DSN of success',
      dsn({ recipient: 'a@b.example', action: 'relayed', status: '2.0.0', diagnostic: '250 ok' }),
      ['dsn', 'a@b.example delivered delivered'],
    ],
    [
      'a quoted local part',
      dsn({
        recipient: '"john doe"@there.example',
        status: '5.1.1',
        diagnostic: '550 5.1.1 User unknown',
      }),
      ['dsn', '"john doe"@there.example failed bad_mailbox'],
    ],
    ['RFC 6533', internationalDsn, ['dsn', 'jörg@müller.example failed bad_mailbox']],
    [
      'ARF',
      arf({ recipient: 'jane@yahoo.com' }),
      ['complaint', 'jane@yahoo.com complained complaint'],
    ],
    ['ARF without a recipient', arf({}), ['complaint', '- complained complaint']],
    ['ARF: not spam', arf({ type: 'not-spam' }), ['none']],
    [
      'ARF: authentication',
      arf({ type: 'auth-failure' }),
      ['complaint', '- complained auth_failure'],
    ],
    ["Outlook's junk report", junkReport, ['complaint', 'jane@hotmail.com complained complaint']],
    [
      'qmail',
      qmail,
      ['bounce', 'jane@there.example failed bad_mailbox', 'joe@there.example failed mailbox_full'],
    ],
    ['Exim', exim, ['bounce', 'jane@there.example failed bad_mailbox']],
    ['Exchange', exchange, ['bounce', 'jane@corp.example failed bad_mailbox']],
    ['a vacation note', vacation, ['auto_reply', 'jane@there.example replied auto_reply']],
    ['a letter about bounces', letter, ['none']],
    ['nothing', Buffer.alloc(0), ['none']],
  ];
for (const [name, raw, expected] of SAMPLES) {
  t.test(name, async (t) => t.same(await read(raw), expected));
}

t.test('forwarded by somebody: both recipients are told', async (t) => {
  const raw = dsn({ recipient: 'jane@hotmail.com', original: 'jane@etu.utc.fr' });
  const { recipients } = await readMailReport(raw);
  t.match(recipients, [{ recipient: 'jane@hotmail.com', originalRecipient: 'jane@etu.utc.fr' }]);
});

const reported = async (original: string, recipient: string) => {
  const { recipients } = await readMailReport(dsn({ recipient, original }));
  return recipients[0]!;
};

t.test('an original recipient as it was in the envelope is nobody else', async (t) => {
  const encoded = await reported('jane+2Bnews+3D1@there.example', 'jane+news=1@there.example');
  t.equal(encoded.originalRecipient, 'jane+news=1@there.example');
  t.equal(readReported(encoded, classifier, {}).blames, 'unknown', 'nobody forwarded it');
  const forwarded = await reported('jane+2Bnews@there.example', 'jane@hotmail.com');
  t.equal(forwarded.originalRecipient, 'jane+news@there.example');
  t.equal(readReported(forwarded, classifier, {}).blames, 'intermediary');
  const plain = await reported('jane+2B@there.example', 'jane+2B@there.example');
  t.equal(plain.originalRecipient, 'jane+2B@there.example', 'as it is really called');
});

t.test('what came back: the token and the queue ids', async (t) => {
  const header = [
    'Received: from app by mx.here.example (Postfix) with ESMTPSA id 4cRxYz1abcz2Gk;',
    '\tTue, 24 Nov 2026 14:00:00 +0000',
    'X-Postpace-Id: v=1; id=mx/4cRxYz1abcz2Gk;',
    ' t=1; r=abc;',
    ' s=def',
  ];
  const { original } = await readMailReport(
    dsn({ recipient: 'a@b.example', queueId: '4c1xFF', header }),
  );
  t.same(original.queueIds, ['4c1xFF', '4cRxYz1abcz2Gk']);
  t.same(
    original.tokens.map((each) => each.replace(/\s+/g, '')),
    ['v=1;id=mx/4cRxYz1abcz2Gk;t=1;r=abc;s=def'],
  );
  const inText = await readMailReport(qmail);
  t.same(
    inText.original.tokens.map((each) => each.trim()),
    ['v=1; id=mx/4c1x'],
  );
});

t.test('the queue id of mail that came by sendmail(1)', async (t) => {
  const header = [
    'Received: by mx.here.example (Postfix, from userid 1000)',
    '\tid 4cRxYz1abcz2Gk; Tue, 24 Nov 2026 14:00:00 +0000 (UTC)',
  ];
  const { original } = await readMailReport(dsn({ recipient: 'a@b.example', header }));
  t.same(original.queueIds, ['4cRxYz1abcz2Gk']);
});

t.test('an IP address has no status code in it', async (t) => {
  const diagnostic = '550 mail from [194.2.1.7] refused';
  const [one] = (await readMailReport(dsn({ recipient: 'a@b.example', diagnostic }))).recipients;
  t.equal(one?.reply, '550 5.7.1 mail from [194.2.1.7] refused');
  const bounce = exim.toString().replace('550 5.1.1 User unknown', '421 too fast, 194.2.1.7');
  const [other] = (await readMailReport(Buffer.from(bounce))).recipients;
  t.match(other, { status: undefined, reply: /421 too fast/ });
});

t.test('whatever comes in, it is read and bounded', async (t) => {
  const pieces = fc.constantFrom(
    'Content-Type: multipart/report; boundary=b\r\n',
    '\r\n',
    '--b\r\n',
    '--b--\r\n',
    'Final-Recipient: rfc822; a@b\r\n',
    'Content-Type: message/delivery-status\r\n',
    'From: MAILER-DAEMON\r\n',
    'Subject: failure notice\r\n',
    '<a@b.example>:\r\n',
    'X-Postpace-Id: v=1;',
    ' ',
    '\0',
    'ÿ',
    'Content-Type: message/rfc822\r\n',
    'Content-Transfer-Encoding: base64\r\n',
    '550 5.1.1 ',
  );
  const mail = fc.oneof(
    fc.uint8Array({ maxLength: 2000 }),
    fc
      .array(fc.oneof(pieces, fc.string()), { maxLength: 60 })
      .map((some) => Buffer.from(some.join(''))),
  );
  await fc.assert(
    fc.asyncProperty(mail, async (raw) => {
      const { recipients } = await readMailReport(raw);
      for (const one of recipients) readReported(one, classifier, {});
      return recipients.every(({ reply, around }) => reply.length <= 2000 && around.length <= 2000);
    }),
    { numRuns: 300 },
  );
  t.pass('300 of them');
});

t.test('whoever writes a whole book as his name is not listed with it', async (t) => {
  const raw = `From: ${'('.repeat(200_000)}\r\nAuto-Submitted: auto-replied\r\n\r\nx`;
  const report = await readMailReport(Buffer.from(raw));
  t.equal(report.kind, 'auto_reply');
  t.ok(report.from.length <= 320);
  t.ok((report.recipients[0]?.recipient ?? '').length <= 320);
});

t.test('hostile mail takes no longer than other mail of its length', async (t) => {
  const deep = Array.from(
    { length: 500 },
    (_, i) => `Content-Type: multipart/mixed; boundary=b${i}\r\n\r\n--b${i}\r\n`,
  );
  const hostile = [
    deep.join(''),
    `From: MAILER-DAEMON\r\nSubject: failure notice\r\n\r\n${'<a@b.example>:\r\n'.repeat(20_000)}`,
    `From: MAILER-DAEMON\r\nSubject: failure notice\r\n\r\n${'a@'.repeat(200_000)}`,
    `From: MAILER-DAEMON\r\nSubject: x\r\n\r\n${'(Postfix) id '.repeat(30_000)}`,
    `Content-Type: text/html\r\n\r\n${'<a '.repeat(120_000)}`,
    `From: postmaster\r\nSubject: ${'undeliver'.repeat(20_000)}\r\n\r\n${' '.repeat(200_000)}`,
    `X-Postpace-Id: ${'v=1;id='.repeat(40_000)}\r\n\r\n`,
    '\n'.repeat(256 * 1024),
    `Content-Type: text/html\r\n\r\n${'\n'.repeat(256 * 1024)}`,
  ];
  for (const text of hostile) {
    const before = process.cpuUsage();
    await readMailReport(Buffer.from(text));
    const { user, system } = process.cpuUsage(before);
    const spentMs = (user + system) / 1000;
    t.ok(spentMs < 1000, `${text.slice(0, 40)}: ${spentMs} ms`);
  }
});
