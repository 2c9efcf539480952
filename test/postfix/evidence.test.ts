/** Orders of lines that a live Postfix of one version can't show; see evidence-live.test.ts. */
import t from 'tap';
import { type EvidenceOptions, HoldEvidence } from '../../src/postfix/evidence.ts';
import { readText } from '../../src/postfix/log-grammar.ts';

const OURS = 'unix:postpace/milter.sock';
const DOWN = `warning: connect to Milter service ${OURS}: No such file or directory`;
const CLIENT = 'from app[10.0.0.1]: milter triggers HOLD action; from=<a@b>';

/** Feeds lines such as `smtpd 12 connect from x`. */
function after(lines: readonly string[], options: Partial<EvidenceOptions> = {}): HoldEvidence {
  const evidence = new HoldEvidence({ sockets: [OURS], ...options });
  for (const line of lines) {
    const [program = '', pid = '', ...text] = line.split(' ');
    const event = readText({ atMs: 0, program, pid: Number(pid), text: text.join(' ') });
    if (event !== undefined) evidence.feed(event);
  }
  return evidence;
}

await t.test('later versions log the first hold of a transaction alone', (t) => {
  const evidence = after([
    'smtpd 12 connect from app[10.0.0.1]',
    `smtpd 12 ${DOWN}`,
    `smtpd 12 NOQUEUE: milter-hold: MAIL ${CLIENT}`,
    'smtpd 12 AAAAAA1: client=app[10.0.0.1]',
    'cleanup 13 AAAAAA1: message-id=<x@y>',
    `smtpd 12 NOQUEUE: milter-hold: MAIL ${CLIENT}`,
    'smtpd 12 AAAAAA2: client=app[10.0.0.1]',
  ]);
  for (const id of ['AAAAAA1', 'AAAAAA2'])
    t.same(evidence.ownerOf(id), {
      owner: 'ours',
      why: `held at MAIL: ${DOWN.slice(9)}`,
      certain: false,
    });
  t.end();
});

const hold = (id: string, reason: string) =>
  `cleanup 13 ${id}: milter-hold: END-OF-MESSAGE from app[10.0.0.1]: ${reason}; from=<a@b>`;

await t.test('later versions give the reason of a QUARANTINE', (t) => {
  const lines = [hold('AAAAAA1', 'postpace: 20/min at utc'), hold('AAAAAA2', 'virus')];
  const evidence = after(lines, { reason: 'postpace: ' });
  t.match(evidence.ownerOf('AAAAAA1'), { owner: 'ours', certain: true });
  t.match(evidence.ownerOf('AAAAAA2'), { owner: 'foreign' });
  t.match(after(lines).ownerOf('AAAAAA1'), { owner: 'foreign' }, 'not asked for');
  t.end();
});

await t.test('trouble counts for its session or message alone', (t) => {
  const evidence = after([
    `smtpd 12 ${DOWN}`,
    'smtpd 12 disconnect from app[10.0.0.1]',
    'smtpd 12 connect from app[10.0.0.1]',
    `smtpd 12 NOQUEUE: milter-hold: MAIL ${CLIENT}`,
    'smtpd 12 AAAAAA1: client=app[10.0.0.1]',
    'cleanup 13 AAAAAA2: message-id=<x@y>',
    `cleanup 13 warning: milter ${OURS}: can't read SMFIC_BODYEOB reply packet header: x`,
    `cleanup 13 AAAAAA2: milter-hold: END-OF-MESSAGE ${CLIENT}`,
    'cleanup 13 AAAAAA3: message-id=<x@y>',
    `cleanup 13 AAAAAA3: milter-hold: END-OF-MESSAGE ${CLIENT}`,
    // Trouble without a hold: an earlier stage had held it.
    `cleanup 13 warning: milter ${OURS}: can't read SMFIC_BODYEOB reply packet header: x`,
    'cleanup 13 AAAAAA4: message-id=<x@y>',
    `cleanup 13 AAAAAA4: milter-hold: END-OF-MESSAGE ${CLIENT}`,
    // Another process, at the same time.
    `smtpd 14 ${DOWN}`,
    `smtpd 15 NOQUEUE: milter-hold: MAIL ${CLIENT}`,
    'smtpd 15 AAAAAA5: client=app[10.0.0.1]',
  ]);
  const owners = [1, 2, 3, 4, 5].map((n) => evidence.ownerOf(`AAAAAA${n}`)?.owner);
  t.same(owners, ['foreign', 'ours', 'foreign', 'foreign', 'foreign']);
  t.end();
});

await t.test('one foreign reason is enough, in whatever order', (t) => {
  const ours = [
    `smtpd 12 ${DOWN}`,
    `smtpd 12 NOQUEUE: milter-hold: MAIL ${CLIENT}`,
    'smtpd 12 AAAAAA1: client=app[10.0.0.1]',
  ];
  const check = 'cleanup 13 AAAAAA1: hold: header Subject: x from app[10.0.0.1]; x';
  const access = 'smtpd 12 NOQUEUE: hold: RCPT from app[10.0.0.1]: x';
  const byHand = 'postsuper 14 AAAAAA1: placed on hold';
  const [down = '', ahead = '', client = ''] = ours;
  for (const lines of [
    [...ours, check],
    [check, ...ours],
    [down, ahead, access, client],
    [down, access, ahead, client],
    [...ours, byHand],
  ])
    t.match(after(lines).ownerOf('AAAAAA1'), { owner: 'foreign' });
  t.end();
});

await t.test('an access hold is forgotten with its message', (t) => {
  const evidence = after([
    'smtpd 12 NOQUEUE: hold: RCPT from app[10.0.0.1]: x',
    'smtpd 12 AAAAAA1: client=app[10.0.0.1]',
    'smtpd 12 AAAAAA2: client=app[10.0.0.1]',
  ]);
  t.match(evidence.ownerOf('AAAAAA1'), { owner: 'foreign', why: /held by a check: RCPT/ });
  t.equal(evidence.ownerOf('AAAAAA2'), undefined);
  t.end();
});

await t.test('renamed, released, removed, requeued', (t) => {
  const held = [
    `smtpd 12 ${DOWN}`,
    `smtpd 12 AAAAAA1: milter-hold: DATA ${CLIENT}`,
    `smtpd 12 AAAAAA2: milter-hold: DATA ${CLIENT}`,
    `smtpd 12 AAAAAA3: milter-hold: DATA ${CLIENT}`,
    `smtpd 12 AAAAAA4: milter-hold: DATA ${CLIENT}`,
  ];
  const evidence = after([
    ...held,
    'postsuper 13 renamed file hold/AAAAAA1 as hold/BBBBBB1#FIX',
    'postsuper 13 AAAAAA2: released from hold',
    'qmgr 14 AAAAAA3: removed',
    'postsuper 13 AAAAAA4: requeued',
  ]);
  t.match(evidence.ownerOf('BBBBBB1'), { owner: 'ours' });
  for (const id of ['AAAAAA1', 'AAAAAA2', 'AAAAAA3', 'AAAAAA4'])
    t.equal(evidence.ownerOf(id), undefined, id);
  evidence.rename('BBBBBB1', 'CCCCCC1');
  t.match(evidence.ownerOf('CCCCCC1'), { owner: 'ours' });
  evidence.rename('NOTHERE', 'CCCCCC2');
  t.equal(evidence.ownerOf('CCCCCC2'), undefined);
  t.end();
});

await t.test('our own hold is expected once', (t) => {
  const evidence = new HoldEvidence({ sockets: [OURS] });
  const byHand = readText({
    atMs: 0,
    program: 'postsuper',
    pid: 1,
    text: 'AAAAAA1: placed on hold',
  });
  evidence.expectHold(['AAAAAA1']);
  if (byHand !== undefined) evidence.feed(byHand);
  t.equal(evidence.ownerOf('AAAAAA1'), undefined);
  if (byHand !== undefined) evidence.feed(byHand);
  t.match(evidence.ownerOf('AAAAAA1'), { owner: 'foreign' });
  t.end();
});

await t.test('memory is bounded: the oldest make room', (t) => {
  const evidence = new HoldEvidence({ sockets: [OURS] });
  for (let n = 0; n < 150_000; n++) {
    const queueId = `A${n}`;
    evidence.feed({
      kind: 'hold',
      by: 'operator',
      queueId,
      text: '',
      atMs: 0,
      program: 'x',
      pid: 1,
    });
    evidence.feed({
      kind: 'milter-trouble',
      service: OURS,
      text: '',
      atMs: 0,
      program: 'x',
      pid: n,
    });
  }
  t.equal(evidence.ownerOf('A49999'), undefined);
  t.match(evidence.ownerOf('A50000'), { owner: 'foreign' });
  t.end();
});
