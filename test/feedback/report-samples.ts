/** Reports written after RFC 3464, 6533 and 5965 and after what the programs are documented to write. */

export interface DsnSample {
  readonly recipient: string;
  readonly original?: string;
  readonly diagnostic?: string;
  readonly status?: string;
  readonly action?: string;
  readonly queueId?: string;
  /** Header lines of the message that came back. */
  readonly header?: readonly string[];
}

const BOUNDARY = '4c1x.1764000000/mx.here.example';

function lines(...all: readonly (string | readonly string[])[]): Buffer {
  return Buffer.from(`${all.flat().join('\r\n')}\r\n`);
}

/** As Postfix writes it. */
export function dsn(sample: DsnSample): Buffer {
  const { recipient, original = recipient, diagnostic = '550 5.7.1 Policy reason' } = sample;
  const { status = '5.7.1', action = 'failed', queueId, header = [] } = sample;
  return lines(
    'Return-Path: <>',
    'From: MAILER-DAEMON@mx.here.example (Mail Delivery System)',
    'Subject: Undelivered Mail Returned to Sender',
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type=delivery-status; boundary="${BOUNDARY}"`,
    '',
    `--${BOUNDARY}`,
    'Content-Type: text/plain; charset=us-ascii',
    '',
    'This is the mail system at host mx.here.example.',
    '',
    `<${recipient}>: ${diagnostic}`,
    '',
    `--${BOUNDARY}`,
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; mx.here.example',
    queueId === undefined ? [] : `X-Postfix-Queue-ID: ${queueId}`,
    'Arrival-Date: Tue, 24 Nov 2026 14:00:00 +0000 (UTC)',
    '',
    `Final-Recipient: rfc822; ${recipient}`,
    `Original-Recipient: rfc822;${original}`,
    `Action: ${action}`,
    `Status: ${status}`,
    'Remote-MTA: dns; mx.there.example',
    `Diagnostic-Code: smtp; ${diagnostic}`,
    '',
    `--${BOUNDARY}`,
    'Content-Type: message/rfc822',
    '',
    header,
    'From: app@here.example',
    `To: ${original}`,
    'Subject: hello',
    '',
    'hello',
    `--${BOUNDARY}--`,
  );
}

/** RFC 6533, with an address beyond ASCII. */
export const internationalDsn = lines(
  'From: postmaster@xn--mller-kva.example',
  'Subject: Delivery Status Notification (Failure)',
  'MIME-Version: 1.0',
  'Content-Type: multipart/report; report-type=global-delivery-status; boundary=b',
  '',
  '--b',
  'Content-Type: text/plain; charset=utf-8',
  'Content-Transfer-Encoding: 8bit',
  '',
  'Nicht zustellbar.',
  '--b',
  'Content-Type: message/global-delivery-status',
  'Content-Transfer-Encoding: 8bit',
  '',
  'Reporting-MTA: dns; mx.xn--mller-kva.example',
  '',
  'Original-Recipient: utf-8; j\\x{F6}rg@m\\x{FC}ller.example',
  'Final-Recipient: utf-8; jörg@müller.example',
  'Action: failed',
  'Status: 5.1.1',
  'Diagnostic-Code: smtp; 550 5.1.1 User unknown',
  '--b--',
);

/** RFC 5965, as a complaint feedback loop sends it. */
export function arf(sample: {
  readonly recipient?: string;
  readonly type?: string;
  readonly header?: readonly string[];
}): Buffer {
  const { recipient, type = 'abuse', header = [] } = sample;
  return lines(
    'From: <feedback@loop.example>',
    'Subject: FW: Earn money',
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=feedback-report; boundary="part1"',
    '',
    '--part1',
    'Content-Type: text/plain; charset="US-ASCII"',
    '',
    'This is an email abuse report.',
    '--part1',
    'Content-Type: message/feedback-report',
    '',
    `Feedback-Type: ${type}`,
    'User-Agent: SomeGenerator/1.0',
    'Version: 1',
    'Original-Mail-From: <app@here.example>',
    recipient === undefined ? [] : `Original-Rcpt-To: <${recipient}>`,
    '--part1',
    'Content-Type: message/rfc822',
    'Content-Disposition: inline',
    '',
    header,
    'From: <app@here.example>',
    'Subject: hello',
    '',
    'hello',
    '--part1--',
  );
}

export const qmail = lines(
  'Return-Path: <>',
  'From: MAILER-DAEMON@mx.there.example',
  'Subject: failure notice',
  '',
  'Hi. This is the qmail-send program at mx.there.example.',
  "I'm afraid I wasn't able to deliver your message to the following addresses.",
  "This is a permanent error; I've given up. Sorry it didn't work out.",
  '',
  '<jane@there.example>:',
  'Sorry, no mailbox here by that name. (#5.1.1)',
  '',
  '<joe@there.example>:',
  '192.0.2.7 does not like recipient.',
  'Remote host said: 452 4.2.2 Mailbox full',
  'Giving up on 192.0.2.7.',
  '',
  '--- Below this line is a copy of the message.',
  '',
  'Return-Path: <app@here.example>',
  'X-Postpace-Id: v=1; id=mx/4c1x',
  'To: somebody@else.example',
  '',
  'hello',
);

export const exim = lines(
  'Return-path: <>',
  'X-Failed-Recipients: jane@there.example',
  'Auto-Submitted: auto-replied',
  'From: Mail Delivery System <Mailer-Daemon@relay.example>',
  'Subject: Mail delivery failed: returning message to sender',
  '',
  'This message was created automatically by mail delivery software.',
  '',
  'A message that you sent could not be delivered to one or more of its',
  'recipients. This is a permanent error. The following address(es) failed:',
  '',
  '  jane@there.example',
  '    host mx.there.example [192.0.2.7]',
  '    SMTP error from remote mail server after RCPT TO:<jane@there.example>:',
  '    550 5.1.1 User unknown',
  '',
  '------ This is a copy of the message, including all the headers. ------',
  '',
  'To: jane@there.example',
);

export const exchange = lines(
  'From: System Administrator <postmaster@corp.example>',
  'Subject: Undeliverable: hello',
  '',
  'Your message',
  '',
  '  To:      jane@corp.example',
  '  Subject: hello',
  '',
  'did not reach the following recipient(s):',
  '',
  'jane@corp.example on Tue, 24 Nov 2026 14:00:00 +0000',
  '    The e-mail account does not exist at the organization this message was sent to.',
  '    < mx.corp.example #5.1.1 SMTP; 550 5.1.1 User unknown>',
);

/** Outlook's junk mail report is no ARF. */
export const junkReport = lines(
  'From: <staff@hotmail.com>',
  'Subject: complaint about message from 192.0.2.25',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary="x"',
  '',
  '--x',
  'Content-Type: message/rfc822',
  'Content-Disposition: inline',
  '',
  'X-HmXmrOriginalRecipient: jane@hotmail.com',
  'From: app@here.example',
  '',
  'hello',
  '--x--',
);

export const vacation = lines(
  'From: Jane <jane@there.example>',
  'Subject: Re: hello',
  'Auto-Submitted: auto-replied (vacation)',
  '',
  'I am away; your message was not delivered to my head.',
);

export const letter = lines(
  'From: Jane <jane@there.example>',
  'Subject: hello',
  '',
  'My last mail to bob@else.example said: 550 5.1.1 User unknown. Can you help?',
);
