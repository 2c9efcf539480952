import t from 'tap';
import { EditList } from '../../src/milter/editor.ts';
import { FrameReader } from '../../src/milter/frame.ts';
import { decodeReply } from '../../src/milter/mta.ts';
import type { EditRight } from '../../src/milter/negotiation.ts';
import type { Reply } from '../../src/milter/reply.ts';
import { proceed, reject, type Action } from '../../src/milter/verdict.ts';
import type { Editor } from '../../src/milter/editor.ts';
import { EOM, MAIL } from './dialogue.ts';
import { lineTo } from './memory-wire.ts';

const ALL: readonly EditRight[] = [
  'addHeader',
  'changeHeader',
  'replaceBody',
  'addRecipient',
  'deleteRecipient',
  'changeFrom',
  'quarantine',
];

function editor(leadingSpace = false, missing: readonly string[] = []): EditList {
  return new EditList({ granted: (right) => !missing.includes(right), leadingSpace });
}

function repliesOf(list: EditList): Reply[] {
  const reader = new FrameReader();
  reader.push(Buffer.concat(list.take()));
  const replies: Reply[] = [];
  for (let frame = reader.next(); frame; frame = reader.next()) replies.push(decodeReply(frame));
  return replies;
}

t.test('each change, in the order in which it was made', (t) => {
  const list = editor();
  list.addHeader('X-Add', 'added value');
  list.insertHeader(0, 'X-Ins', 'top\n folded');
  list.changeHeader('Subject', 1, 'changed');
  list.changeHeader('X-Del', 1, '');
  list.changeFrom('<new@example.org>', 'RET=HDRS ENVID=abc');
  list.addRecipient('<extra@example.org>');
  list.addRecipient('<extra2@example.org>', 'NOTIFY=NEVER');
  list.deleteRecipient('<r1@example.net>');
  list.quarantine('held for test');
  t.strictSame(repliesOf(list), [
    { kind: 'addHeader', name: 'X-Add', value: 'added value' },
    { kind: 'insertHeader', index: 0, name: 'X-Ins', value: 'top\n folded' },
    { kind: 'changeHeader', index: 1, name: 'Subject', value: 'changed' },
    { kind: 'changeHeader', index: 1, name: 'X-Del', value: '' },
    { kind: 'changeFrom', address: '<new@example.org>', args: 'RET=HDRS ENVID=abc' },
    { kind: 'addRecipient', address: '<extra@example.org>' },
    { kind: 'addRecipient', address: '<extra2@example.org>', args: 'NOTIFY=NEVER' },
    { kind: 'deleteRecipient', address: '<r1@example.net>' },
    { kind: 'quarantine', reason: 'held for test' },
  ]);
  t.end();
});

t.test('a body is cut at 65535 bytes, all its frames in a row', (t) => {
  const list = editor();
  const body = Buffer.alloc(65535 * 2 + 7, 'x');
  list.replaceBody(body);
  list.addHeader('X-After', 'y');
  const replies = repliesOf(list);
  t.strictSame(
    replies.map(({ kind }) => kind),
    ['addHeader', 'replaceBody', 'replaceBody', 'replaceBody'],
  );
  const chunks = replies.flatMap((reply) => (reply.kind === 'replaceBody' ? [reply.chunk] : []));
  t.strictSame(
    chunks.map(({ length }) => length),
    [65535, 65535, 7],
  );
  t.ok(Buffer.concat(chunks).equals(body));
  const empty = editor();
  empty.replaceBody(Buffer.alloc(0));
  t.equal(repliesOf(empty).length, 1);
  t.end();
});

t.test('the space after the colon is ours to write where it was negotiated', (t) => {
  const list = editor(true);
  list.addHeader('X', 'y');
  list.changeHeader('X', 1, '');
  t.match(repliesOf(list), [{ value: ' y' }, { value: '' }]);
  t.end();
});

t.test('what would break the message or the protocol throws', (t) => {
  const list = editor(false, ['quarantine', 'addRecipientArgs']);
  t.throws(() => list.addHeader('X', 'a\r\n b'), RangeError);
  t.throws(() => list.addHeader('X', 'a\nInjected: b'), RangeError);
  t.throws(() => list.addHeader('X y', 'a'), RangeError);
  t.throws(() => list.addHeader('X:', 'a'), RangeError);
  t.throws(() => list.addHeader('', 'a'), RangeError);
  t.throws(() => list.addRecipient('a@b\nc'), RangeError);
  t.throws(() => list.quarantine('x'), /not negotiated/);
  t.throws(() => list.addRecipient('<a@b>', 'NOTIFY=NEVER'), /not negotiated/);
  t.notOk(list.granted('quarantine'));
  t.ok(list.granted('addHeader'));
  t.strictSame(list.take(), []);
  t.throws(() => list.addHeader('X', 'late'), /has been answered/);
  t.end();
});

t.test('changes leave with the final answer in one write, or not at all', (t) => {
  let verdict: Action<'eom'> = proceed;
  let late: Editor | undefined;
  const line = lineTo({
    edits: ALL,
    on: {
      eom({ edit }) {
        late = edit;
        edit.addHeader('X', 'y');
        edit.quarantine('paced');
        return verdict;
      },
    },
  });
  line.say(MAIL);
  t.strictSame(line.wire.takeReplies(), []);
  line.connection.receive(Buffer.from('0000000145', 'hex'));
  t.equal(line.wire.writes.length, 1);
  t.strictSame(
    line.wire.takeReplies().map(({ kind }) => kind),
    ['addHeader', 'quarantine', 'continue'],
  );
  t.throws(() => late?.quarantine('too late'), /has been answered/);
  verdict = reject;
  t.strictSame(line.say(MAIL, EOM), ['continue', 'reject'], 'MAIL was not wanted, and is answered');
  t.end();
});
