import * as fc from 'fast-check';
import t from 'tap';
import type { LogEvent } from '../../src/postfix/event.ts';
import { readEvent, readText } from '../../src/postfix/log-grammar.ts';
import { StampReader } from '../../src/postfix/stamp.ts';

const NOW = new Date(2026, 10, 24, 12, 0, 0).getTime();
const AT = new Date(2026, 10, 24, 11, 59, 58).getTime();

function read(line: string): LogEvent | undefined {
  return readEvent(line, new StampReader(), NOW);
}

/** The event of a text that the program logged, without its head. */
function said(program: string, text: string) {
  const event = read(`Nov 24 11:59:58 mx postfix/${program}[123]: ${text}`);
  if (event === undefined) return undefined;
  const { atMs, program: by, pid, ...rest } = event;
  if (atMs !== AT || by !== program || pid !== 123) throw new Error(`head of ${text}`);
  return rest;
}

const DELIVERY = {
  kind: 'delivery',
  queueId: '4F5C64474F',
  recipient: 'jean@utc.example',
  relay: 'mx.utc.example[192.0.2.1]:25',
  status: 'sent',
  dsn: '2.0.0',
  reply: '250 2.0.0 Ok: queued as 153053D',
  delaySec: 1.5,
  contacted: true,
};
const FIELDS =
  'relay=mx.utc.example[192.0.2.1]:25, delay=1.5, delays=0.1/0/0.4/1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 153053D)';

await t.test('deliveries', (t) => {
  const id = '4F5C64474F';
  t.same(said('smtp', `${id}: to=<jean@utc.example>, ${FIELDS}`), DELIVERY);
  t.same(said('smtp', `${id}: to=<jean@utc.example>, orig_to=<all>, ${FIELDS}`), {
    ...DELIVERY,
    origTo: 'all',
  });
  const more = FIELDS.replace('delay=', 'conn_use=3, delay=').replace('dsn=', 'tls=2/1, dsn=');
  t.same(said('smtp', `${id}: to=<jean@utc.example>, ${more}`), DELIVERY);
  // Postfix 2.2 had neither delays nor dsn.
  const old = 'relay=none, delay=4, status=deferred (connect to x[192.0.2.9]: Connection refused)';
  t.same(said('smtp', `${id}: to=<a@b.example>, ${old}`), {
    kind: 'delivery',
    queueId: id,
    recipient: 'a@b.example',
    relay: 'none',
    status: 'deferred',
    dsn: '',
    reply: 'connect to x[192.0.2.9]: Connection refused',
    delaySec: 4,
    contacted: false,
  });
  t.end();
});

await t.test('addresses with anything in them', (t) => {
  const odd = [
    '"a b, c>"@utc.example',
    '"x>, relay=evil, delay=0, dsn=2.0.0, status=sent (ok)"@utc.example',
    '"quote \\" and > here"@utc.example',
    'unquoted blank>, dsn=1@utc.example',
    'j\u00e9r\u00f4me@utc.example',
    '',
    '"unfinished@utc.example',
    "o'neil+tag=x/y@[ipv6:2001:db8::1]",
  ];
  for (const recipient of odd) {
    const found = said('smtp', `4F5C64474F: to=<${recipient}>, orig_to=<${recipient}>, ${FIELDS}`);
    t.same(found, { ...DELIVERY, recipient, origTo: recipient }, recipient);
  }
  t.end();
});

await t.test('an address that is none of Postfix’s own quoting is evidence of nothing', (t) => {
  const fields =
    'relay=mx.big.example[192.0.2.7]:25, delay=1, dsn=4.7.28, status=deferred (421 slow down';
  const end =
    'relay=127.0.0.1[127.0.0.1]:25, delay=0.1, delays=0/0/0/0.1, dsn=2.0.0, status=sent (250 Ok)';
  // As Postfix 3.7 wrote them.
  const lines = [
    // info_log_address_format = internal
    `to=<a@big.example>, ${fields})@far.test>, ${end}`,
    `to=<a@big.example>, relay=x, y=z@far.test>, ${end}`,
    `to=<a@big.example>, orig_to=<b>, ${fields})@far.test>, ${end}`,
    // sendmail(1), with a route and with a domain that is none
    `to=<"a">@far.test>, orig_to=<@far.test:"b>, ${fields})"@far.test>, ${end}`,
    `to=<a@big.example>, ${fields})>, relay=none, delay=0, dsn=5.1.3, status=bounced (bad address syntax)`,
  ];
  for (const line of lines)
    t.match(said('smtp', `4F5C64474F: ${line}`), { contacted: false }, line);
  const quoted = `to=<"a@big.example>, ${fields})"@far.test>, orig_to=<"a>, ${fields})">, ${end}`;
  t.match(said('smtp', `4F5C64474F: ${quoted}`), { contacted: true, status: 'sent', dsn: '2.0.0' });
  t.end();
});

await t.test('replies with anything in them, and every status', (t) => {
  const replies = [
    'host mx[192.0.2.1] said: 550 5.1.1 <a@b>: user (unknown) in (table (x)) (in reply to RCPT TO command)',
    '550 status=sent (no), dsn=2.0.0, relay=none',
    '',
    ')(',
  ];
  const start = '4F5C64474F: to=<a@b.example>, relay=x, delay=1, delays=0/0/0/1, dsn=5.1.1';
  for (const reply of replies)
    t.match(said('smtp', `${start}, status=bounced (${reply})`), { reply, status: 'bounced' });
  // Cut off by syslog, or by whoever copied it.
  t.match(said('smtp', `${start}, status=bounced (550 5.1.1 Use`), { reply: '550 5.1.1 Use' });
  t.match(said('smtp', `${start}, status=bounced`), { reply: '', status: 'bounced' });
  const words = {
    sent: 'sent',
    deferred: 'deferred',
    bounced: 'bounced',
    expired: 'expired',
    deliverable: 'deliverable',
    undeliverable: 'undeliverable',
    SOFTBOUNCE: 'deferred',
  };
  for (const [word, status] of Object.entries(words))
    t.match(said('smtp', `${start}, status=${word} (x)`), { status });
  t.equal(said('smtp', `${start}, status=invented (x)`), undefined);
  t.end();
});

const echo = (relay: string, reply: string) =>
  said(
    'error',
    `4F5C64474F: to=<a@b.example>, relay=${relay}, delay=1, delays=1/0/0/0, dsn=4.4.1, status=deferred (${reply})`,
  );

await t.test('echoes are no contact', (t) => {
  t.match(echo('none', 'delivery temporarily suspended: connect to x: timed out'), {
    contacted: false,
  });
  t.match(echo('mx.b.example[192.0.2.1]:25', 'delivery temporarily suspended: 421 busy'), {
    contacted: false,
  });
  t.match(echo('none', 'Host not found'), { contacted: false });
  t.match(echo('mx.b.example[192.0.2.1]:25', 'host said: 451 later'), { contacted: true });
  t.end();
});

await t.test('what happens to a message', (t) => {
  const table: [program: string, text: string, event: object | undefined][] = [
    [
      'smtpd',
      'A1B2C3D4E5: client=app[10.0.0.1], sasl_method=PLAIN, sasl_username=x',
      { kind: 'accepted', queueId: 'A1B2C3D4E5', client: 'app[10.0.0.1]' },
    ],
    [
      'smtpd',
      'A1B2C3D4E5: client=localhost[127.0.0.1], orig_queue_id=4jYVY96bGJzJ9F5, orig_client=app[10.0.0.1]',
      {
        kind: 'accepted',
        queueId: 'A1B2C3D4E5',
        client: 'localhost[127.0.0.1]',
        origQueueId: '4jYVY96bGJzJ9F5',
      },
    ],
    [
      'pickup',
      'A1B2C3D4E5: uid=33 from=<www-data>',
      { kind: 'accepted', queueId: 'A1B2C3D4E5', client: 'local' },
    ],
    [
      'qmgr',
      'A1B2C3D4E5: from=<a@b.example>, size=829, nrcpt=3 (queue active)',
      { kind: 'active', queueId: 'A1B2C3D4E5', sender: 'a@b.example', recipients: 3 },
    ],
    [
      'qmgr',
      'A1B2C3D4E5: from=<>, size=829, nrcpt=1 (queue active)',
      { kind: 'active', queueId: 'A1B2C3D4E5', sender: '', recipients: 1 },
    ],
    [
      'qmgr',
      'A1B2C3D4E5: from=<"x>, size=1, nrcpt=9"@b.example>, size=829, nrcpt=1 (queue active)',
      {
        kind: 'active',
        queueId: 'A1B2C3D4E5',
        sender: '"x>, size=1, nrcpt=9"@b.example',
        recipients: 1,
      },
    ],
    [
      'qmgr',
      'A1B2C3D4E5: from=<a@b.example>, status=expired, returned to sender',
      { kind: 'expired', queueId: 'A1B2C3D4E5', sender: 'a@b.example' },
    ],
    [
      'qmgr',
      'A1B2C3D4E5: from=<a@b.example>, status=force-expired, returned to sender',
      { kind: 'expired', queueId: 'A1B2C3D4E5', sender: 'a@b.example' },
    ],
    ['qmgr', 'A1B2C3D4E5: removed', { kind: 'removed', queueId: 'A1B2C3D4E5' }],
    ['postsuper', 'A1B2C3D4E5: removed', { kind: 'removed', queueId: 'A1B2C3D4E5' }],
    ['postsuper', 'A1B2C3D4E5: requeued', { kind: 'requeued', queueId: 'A1B2C3D4E5' }],
    ['postsuper', 'A1B2C3D4E5: released from hold', { kind: 'released', queueId: 'A1B2C3D4E5' }],
    [
      'postsuper',
      'A1B2C3D4E5: placed on hold',
      { kind: 'hold', queueId: 'A1B2C3D4E5', by: 'operator', text: 'placed on hold' },
    ],
    [
      'postsuper',
      'renamed file hold/A/A1B2C3D4E5 as hold/F/F1B2C3D4E5#FIX',
      { kind: 'renamed', queueId: 'A1B2C3D4E5', newId: 'F1B2C3D4E5' },
    ],
    ['postsuper', 'renamed file hold/F1B2C3D4E5#FIX as hold/F1B2C3D4E5', undefined],
    ['postsuper', 'renamed file defer/A/A1B2C3D4E5 as defer/F/F1B2C3D4E5#FIX', undefined],
    ['postsuper', 'Released from hold: 3 messages', undefined],
    ['cleanup', 'A1B2C3D4E5: message-id=<x@y>', { kind: 'turn' }],
    ['cleanup', 'A1B2C3D4E5: resent-message-id=<x@y>', { kind: 'turn' }],
    ['smtpd', 'connect from app[10.0.0.1]', { kind: 'turn' }],
    ['smtpd', 'disconnect from app[10.0.0.1] ehlo=1 quit=1 commands=2', { kind: 'turn' }],
    ['postscreen', 'CONNECT from [10.0.0.1]:1 to [10.0.0.2]:25', undefined],
    ['smtp', 'connect to mx[192.0.2.1]:25: Connection refused', undefined],
    ['smtpd', 'NOQUEUE: reject: RCPT from x[1.2.3.4]: 554 5.7.1 no', undefined],
  ];
  for (const [program, text, event] of table) t.same(said(program, text), event, text);
  t.end();
});

await t.test('holds, and milters in trouble', (t) => {
  const eom = 'END-OF-MESSAGE from x[1.2.3.4]: milter triggers HOLD action; from=<a@b>';
  const table: [program: string, text: string, event: object | undefined][] = [
    [
      'cleanup',
      `A1B2C3D4E5: milter-hold: ${eom}`,
      { kind: 'hold', queueId: 'A1B2C3D4E5', by: 'milter', stage: 'END-OF-MESSAGE', text: eom },
    ],
    [
      'smtpd',
      'NOQUEUE: milter-hold: MAIL from x[1.2.3.4]: y',
      { kind: 'hold-ahead', by: 'milter', stage: 'MAIL', text: 'MAIL from x[1.2.3.4]: y' },
    ],
    [
      'smtpd',
      'NOQUEUE: hold: RCPT from x[1.2.3.4]: y',
      { kind: 'hold-ahead', by: 'check', text: 'RCPT from x[1.2.3.4]: y' },
    ],
    [
      'cleanup',
      'A1B2C3D4E5: hold: header Subject: x from y[1.2.3.4]; z',
      {
        kind: 'hold',
        queueId: 'A1B2C3D4E5',
        by: 'check',
        text: 'header Subject: x from y[1.2.3.4]; z',
      },
    ],
    ...[
      'connect to Milter service unix:postpace/milter.sock: No such file or directory',
      "milter unix:postpace/milter.sock: can't read SMFIC_BODYEOB reply packet header: Connection timed out",
      'milter unix:postpace/milter.sock: read error in initial handshake',
      'milter8_read_data: milter unix:postpace/milter.sock: EOF while reading string: Success',
    ].map((text): [string, string, object] => [
      'smtpd',
      `warning: ${text}`,
      { kind: 'milter-trouble', service: 'unix:postpace/milter.sock', text },
    ]),
    [
      'smtpd',
      'warning: connect to Milter service inet:127.0.0.1:8892: Connection refused',
      {
        kind: 'milter-trouble',
        service: 'inet:127.0.0.1:8892',
        text: 'connect to Milter service inet:127.0.0.1:8892: Connection refused',
      },
    ],
    ['smtpd', 'warning: milter unix:x: ignoring unknown macro type 9', undefined],
    ['smtpd', 'warning: hostname x does not resolve to address 1.2.3.4', undefined],
  ];
  for (const [program, text, event] of table) t.same(said(program, text), event, text);
  t.end();
});

await t.test('heads: instances, services, other formats', (t) => {
  const heads: [head: string, program: string, pid: number][] = [
    ['Nov 24 11:59:58 mx postfix/qmgr[7]', 'qmgr', 7],
    ['Nov 24 11:59:58 mx postfix-out/smtp[123]', 'smtp', 123],
    ['Nov 24 11:59:58 mx postfix-192.0.2.7/qmgr[7]', 'qmgr', 7],
    ['Nov 24 11:59:58 mx postfix/submission/smtpd[1]', 'smtpd', 1],
    ['Nov 24 11:59:58 mx postsuper[9]', 'postsuper', 9],
    ['Nov 24 11:59:58 postfix/qmgr[7]', 'qmgr', 7],
    ['2026-11-24T11:59:58.000000+00:00 mx postfix/qmgr[7]', 'qmgr', 7],
    ['mx postfix/qmgr[7]', 'qmgr', 7],
    ['postfix/qmgr[7]', 'qmgr', 7],
    ['postfix/qmgr', 'qmgr', 0],
  ];
  for (const [head, program, pid] of heads) {
    const event = read(`${head}: A1B2C3D4E5: removed`);
    t.match(event, { kind: 'removed', program, pid }, head);
  }
  t.match(read(` 4F5C64474F: to=<jean@utc.example>, ${FIELDS}`), { ...DELIVERY, atMs: NOW });
  t.match(read(`{some_id}: to=<jean@utc.example>, ${FIELDS}`), { queueId: '{some_id}' });
  const folded = 'message repeated 2 times: [ A1B2C3D4E5: removed]';
  t.match(read(`Nov 24 11:59:58 mx postfix/qmgr[7]: ${folded}`), { kind: 'removed' });
  for (const line of [
    '',
    'postfix:',
    'Nov 24 11:59:58 mx dovecot: A1B2C3D4E5: removed',
    'Nov 24 11:59:58 mx amavis[5]: (5-1) Passed, A1B2C3D4E5: removed',
    'Nov 24 11:59:58 mx postfix/qmgr[x]: A1B2C3D4E5: removed',
    '{"queue_name": "deferred", "queue_id": "A1B2C3D4E5"}',
  ])
    t.equal(read(line), undefined, line);
  t.end();
});

const local = (...at: [number, number, number, number, number]): number =>
  new Date(2026, ...at).getTime();

await t.test('whole lines in the shapes that logs have', (t) => {
  const utc = Date.UTC(2026, 10, 24, 8, 5, 1);
  const lines: readonly (readonly [line: string, event: object])[] = [
    [
      'Nov  4 09:05:01 mx postfix/smtp[7]: 4bWrkJ0sZ7z9vNk: to=<a@b.example>, relay=mx.b.example[2001:db8::25]:25, conn_use=12, delay=0.9, delays=0.1/0.2/0.3/0.3, dsn=2.0.0, status=sent (250 2.0.0 OK)',
      {
        atMs: local(10, 4, 9, 5, 1),
        program: 'smtp',
        pid: 7,
        queueId: '4bWrkJ0sZ7z9vNk',
        relay: 'mx.b.example[2001:db8::25]:25',
        status: 'sent',
        delaySec: 0.9,
        contacted: true,
      },
    ],
    [
      '2026-11-24T09:05:01.250000+01:00 mx postfix-out/smtp[8]: 4bWrkJ0sZ7z9vNk: to=<a@b.example>, orig_to=<all@here.example>, relay=mx.b.example[192.0.2.1]:25, delay=61, delays=60/0/1/0, dsn=4.7.0, status=deferred (host mx.b.example[192.0.2.1] said: 421 4.7.0 [TSS04] later (in reply to MAIL FROM command))',
      {
        atMs: utc + 250,
        program: 'smtp',
        recipient: 'a@b.example',
        origTo: 'all@here.example',
        dsn: '4.7.0',
        status: 'deferred',
        reply:
          'host mx.b.example[192.0.2.1] said: 421 4.7.0 [TSS04] later (in reply to MAIL FROM command)',
      },
    ],
    [
      '2026 Nov 24 09:05:01.123 mx postfix-192.0.2.9/lmtp[9]: 7E1AEC2C388: to=<a@here.example>, relay=mx.here.example[private/dovecot-lmtp], delay=0.2, delays=0/0/0/0.2, dsn=2.0.0, status=sent (250 2.0.0 <a@here.example> x+Yz Saved)',
      {
        atMs: local(10, 24, 9, 5, 1) + 123,
        program: 'lmtp',
        relay: 'mx.here.example[private/dovecot-lmtp]',
        reply: '250 2.0.0 <a@here.example> x+Yz Saved',
      },
    ],
    [
      'Nov 24 09:05:01 mx postfix/error[10]: 7E1AEC2C388: to=<a@b.example>, relay=none, delay=3, delays=3/0/0/0, dsn=4.4.1, status=deferred (delivery temporarily suspended: connect to mx.b.example[192.0.2.1]:25: Connection timed out)',
      { program: 'error', relay: 'none', contacted: false, dsn: '4.4.1' },
    ],
    [
      // Cut off by a syslogd that takes no longer lines.
      'Nov 24 09:05:01 mx postfix/smtp[11]: 7E1AEC2C388: to=<a@b.example>, relay=MX.B.EXAMPLE[192.0.2.1]:25, delay=3, delays=3/0/0/0, dsn=5.7.1, status=bounced (host MX.B.EXAMPLE[192.0.2.1] said: 550-5.7.1 Our sys',
      {
        relay: 'MX.B.EXAMPLE[192.0.2.1]:25',
        status: 'bounced',
        reply: 'host MX.B.EXAMPLE[192.0.2.1] said: 550-5.7.1 Our sys',
      },
    ],
  ];
  for (const [line, event] of lines) t.match(read(line), { kind: 'delivery', ...event }, line);
  // Cut off before the status: nothing is known of what became of it.
  const [whole = ''] = lines[0] ?? [];
  for (const at of [60, 100, 150, whole.indexOf('status=') + 6]) {
    t.equal(read(whole.slice(0, at)), undefined, whole.slice(0, at));
  }
  t.end();
});

await t.test('never throws, whatever the line', (t) => {
  const pieces = fc.constantFrom(
    'Nov 24 11:59:58 ',
    'mx ',
    'postfix/smtp[1]: ',
    'A1B2C3D4E5: ',
    'NOQUEUE: ',
    'to=<',
    '>, ',
    'orig_to=<',
    'relay=',
    'delay=',
    'dsn=',
    'status=sent ',
    'from=<',
    'milter-hold: ',
    'hold: ',
    'warning: ',
    'milter ',
    '(',
    ')',
    '"',
    '\\',
    ': ',
    '\0',
    '\ufffd',
  );
  const line = fc
    .array(fc.oneof(pieces, fc.string({ unit: 'binary' })), { maxLength: 30 })
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(line, (text) => {
      read(text);
      readText({ atMs: 0, program: 'smtpd', pid: 1, text });
      readText({ atMs: 0, program: 'cleanup', pid: 1, text: `A1B2C3D4E5: ${text}` });
    }),
    { numRuns: 3000 },
  );
  t.pass('no throw');
  t.end();
});

await t.test('what was written is read back', (t) => {
  const word = fc.stringMatching(/^[a-z0-9.]{1,20}$/);
  const quoted = fc
    .string({ unit: 'grapheme' })
    .map((text) => `"${text.replaceAll(/[\n"\\]/g, '\\$&')}"`);
  fc.assert(
    fc.property(fc.oneof(word, quoted), word, fc.string(), (name, domain, reply) => {
      const text = `4F5C64474F: to=<${name}@${domain}>, relay=${domain}[192.0.2.1]:25, delay=3, delays=1/1/1/0, dsn=4.7.1, status=deferred (${reply})`;
      const event = readText({ atMs: 0, program: 'smtp', pid: 1, text });
      if (event?.kind !== 'delivery') return false;
      return event.recipient === `${name}@${domain}` && event.reply === reply;
    }),
    { numRuns: 1000 },
  );
  t.pass('read back');
  t.end();
});

await t.test('time grows with the length alone', (t) => {
  const mega = 1024 * 1024;
  const head = 'Nov 24 11:59:58 mx postfix/smtp[1]: 4F5C64474F: ';
  const long = [
    '>, '.repeat(mega / 3),
    '"\\'.repeat(mega / 2),
    `${head}to=<${'>, '.repeat(mega / 3)}`,
    `${head}to=<${'>, orig_to=<'.repeat(mega / 12)}`,
    `${head}to=<a>, relay=${'x=, '.repeat(mega / 4)}`,
    `${head}from=<${'>, size='.repeat(mega / 8)}`,
    `Nov 24 11:59:58 mx postfix/smtp[1]: warning: ${': milter '.repeat(mega / 9)}`,
    'a'.repeat(mega),
    ' '.repeat(mega),
    `${head}to=<a@b>, relay=x, delay=1, dsn=4.0.0, status=deferred (${'('.repeat(mega)})`,
  ];
  for (const line of long) {
    const started = performance.now();
    read(line);
    // A quadratic reading of a megabyte would take minutes.
    t.ok(performance.now() - started < 2000, JSON.stringify(line.slice(0, 60)));
  }
  t.end();
});
