import t from 'tap';
import { alertMail, alertOf, waveAlert, type HeardOutcome } from '../../src/feedback/alert.ts';
import { MailboxWaves } from '../../src/feedback/mailbox-wave.ts';

const blocked: HeardOutcome = {
  source: 'log',
  provider: 'outlook',
  trust: 'log',
  outcome: 'moved',
  why: 'suspended',
  category: 'ip_blocked',
  group: 'blocked',
  blames: 'ours',
  reply: '550 5.7.1 [192.0.2.25] blocked (S3150)',
  rule: 'outlook/s3150',
  queueId: '4f',
};
const ours = { category: 'auth_failure', group: 'ours', outcome: 'told', why: null } as const;

const table: readonly (readonly [
  name: string,
  change: Partial<HeardOutcome>,
  cause: string | undefined,
])[] = [
  ['our address is blocked', {}, 'blocked'],
  ['blocked, and adjusting is off', { outcome: 'ignored', why: 'off' }, 'blocked'],
  ['a probe is blocked', { why: 'suspended longer' }, 'blocked'],
  ['somebody who forwards is blocked', { blames: 'intermediary', outcome: 'told' }, undefined],
  ['not known whose address', { blames: 'unknown', outcome: 'counted', why: null }, undefined],
  ['judged again and again', { category: 'content', group: 'judged' }, 'suspended'],
  ['judged', { category: 'content', group: 'judged', why: 'tightened' }, undefined],
  ['slowed', { category: 'throttled', group: 'slow', why: 'tightened' }, undefined],
  ['authentication', ours, 'auth_failure'],
  ['reverse DNS', { ...ours, category: 'bad_rdns' }, 'bad_rdns'],
  ['the sender', { ...ours, category: 'sender_rejected' }, 'sender_rejected'],
  ['in a report, proven', { ...ours, source: 'pipe', trust: 'token' }, 'auth_failure'],
  ['in a report, not proven', { ...ours, outcome: 'ignored', trust: 'unproven' }, undefined],
  ['a report claims a block', { source: 'pipe', outcome: 'counted', why: null }, undefined],
  ['it stays on this machine', { provider: null }, undefined],
];
for (const [name, change, cause] of table) {
  t.equal(alertOf({ ...blocked, ...change })?.cause, cause, name);
}
t.match(alertOf(blocked)?.advice, /has stopped mail/);
t.notMatch(alertOf({ ...blocked, outcome: 'counted', why: null })?.advice, /has stopped mail/);
t.match(alertOf({ ...blocked, ...ours })?.advice, /SPF, DKIM and DMARC/);

t.test('the mail', async (t) => {
  const alert = alertOf(blocked);
  if (alert === undefined) throw new Error('no alert');
  const mail = alertMail(alert, 'ops@example.org', 'mail.example.org');
  const head = mail.slice(0, mail.indexOf('\n\n'));
  t.match(head, /^Subject: mail\.example\.org: outlook blocks our address$/m);
  t.match(head, /^To: ops@example\.org$/m);
  t.match(head, /^Auto-Submitted: auto-generated$/m);
  t.match(head, /^X-Postpace-Alert: blocked$/m);
  t.match(mail, /  550 5\.7\.1 \[192\.0\.2\.25\] blocked \(S3150\)\n/);
  t.match(mail, 'Recognised by: outlook/s3150');
  t.match(mail, 'postpace status outlook');
  t.ok(mail.split('\n').every((line) => Buffer.byteLength(line) < 998));
  t.notMatch(alertMail(waveAlert('gmx', 12, 40), 'root', 'h'), 'The reply was');
});

t.test('a wave of unknown mailboxes', async (t) => {
  const MIN = 60_000;
  const T0 = 1_800_000_000_000;
  const few = new MailboxWaves();
  for (let i = 0; i < 9; i += 1) t.equal(few.note('gmx', true, T0 + i * MIN), undefined);
  t.equal(few.note('gmail', true, T0), undefined, 'each provider by itself');
  t.same(few.note('gmx', true, T0 + 10 * MIN), { bad: 10, all: 10 });
  t.equal(few.note('gmx', false, T0 + 10 * MIN), undefined, 'what arrives tells nothing');
  t.equal(few.note('gmx', true, T0 + 90 * MIN), undefined, 'an hour later it is over');

  const large = new MailboxWaves();
  for (let i = 0; i < 40; i += 1) large.note('gmx', false, T0);
  for (let i = 0; i < 9; i += 1) large.note('gmx', true, T0);
  t.same(large.note('gmx', true, T0), { bad: 10, all: 50 }, 'a fifth');
  const clean = new MailboxWaves();
  for (let i = 0; i < 200; i += 1) clean.note('gmx', false, T0);
  for (let i = 0; i < 30; i += 1) {
    t.equal(clean.note('gmx', true, T0), undefined, 'below a fifth');
  }
});
