import t from 'tap';
import type { Test } from 'tap';
import { milterOptions } from '../../src/daemon/milter.ts';
import { type Admission, type DoorKeeper, refusal } from '../../src/daemon/refusal.ts';
import { envelope } from '../../src/milter/mta.ts';
import type { Caller, DoorAnswer } from '../../src/pace/door.ts';
import type { Message } from '../../src/pace/message.ts';
import * as say from '../milter/dialogue.ts';
import { lineTo } from '../milter/memory-wire.ts';
import { SpokenLog } from '../pace/spoken-log.ts';
import { VirtualTime } from '../pace/virtual-time.ts';

const LATER: DoorAnswer = {
  kind: 'later',
  cause: { kind: 'pace', provider: 'slow.example' },
  atMs: Date.UTC(2026, 10, 24, 10, 0, 12, 200),
};

function door(t: Test, more: Partial<DoorKeeper> = {}) {
  const time = new VirtualTime(t);
  const asked: Caller[] = [];
  const decided: Message[] = [];
  const left: Admission[] = [];
  const keeper: DoorKeeper = {
    clock: time,
    ports: () => [10025],
    targetOf: (recipient) => ({
      id: recipient.slice(recipient.indexOf('@') + 1),
      mode: recipient.endsWith('held.example') ? 'hold' : 'tempfail',
    }),
    groupedOf: () => undefined,
    newId: () => 'mx/rcpt-1',
    ask: async (caller) => {
      asked.push(caller);
      return caller.provider === 'slow.example' ? LATER : { kind: 'in' };
    },
    leave: (admission) => left.push(admission),
    ...more,
  };
  const line = lineTo(
    milterOptions({
      prepare: async () => undefined,
      leaves: (destination) => !destination.endsWith('.inside'),
      headerNames: () => new Set(),
      settled: () => undefined,
      decide: async (message) => {
        decided.push(message);
        return { kind: 'pass' };
      },
      holdAnyway: (_, why) => ({ kind: 'hold', why }),
      door: keeper,
      log: new SpokenLog(),
    }),
  );
  const connect = (port: string) =>
    line.say(
      say.macroList('C', 'v', 'Postfix 3.7.11', '{daemon_port}', port),
      say.CONNECT,
      envelope('mail', '<app@example.org>'),
    );
  const rcpt = async (address: string) => {
    const at = line.say(say.macroList('R', '{rcpt_mailer}', 'smtp'), envelope('rcpt', address));
    await time.settle();
    return [...at.map((kind) => ({ kind })), ...line.wire.takeReplies()];
  };
  const end = async () => {
    line.say(say.DATA);
    line.say(say.macroList('E', 'i', 'QUEUE01'), say.EOM);
    await time.settle();
    return line.wire.takeReplies();
  };
  return { time, asked, decided, left, line, connect, rcpt, end };
}

t.test('over the limit: 451 4.7.1 for that recipient, the others go on', async (t) => {
  const { connect, rcpt, end, decided, asked, left } = door(t);
  connect('10025');
  t.match(await rcpt('<a@free.example>'), [{ kind: 'continue' }]);
  t.match(await rcpt('<b@slow.example>'), [
    {
      kind: 'replycode',
      code: 451,
      dsn: '4.7.1',
      lines: [/pace of slow\.example; next chance at/],
    },
  ]);
  t.match(await rcpt('<c@other.example>'), [{ kind: 'continue' }]);
  t.match(await end(), [{ kind: 'continue' }]);
  t.same(
    asked.map(({ provider, id }) => `${provider} ${id}`),
    ['free.example mx/rcpt-1', 'slow.example mx/rcpt-1', 'other.example mx/rcpt-1'],
  );
  t.same(decided[0]?.recipients, ['a@free.example', 'c@other.example']);
  t.same(decided[0]?.admitted?.recipients, ['a@free.example', 'c@other.example']);
  t.same(left, [], 'what was sent stays under way until its outcome');
});

t.test(
  'no other port refuses, and neither do local mail and a provider that is held',
  async (t) => {
    const { connect, rcpt, asked } = door(t);
    for (const port of ['25', '587', '']) {
      connect(port);
      t.match(await rcpt('<b@slow.example>'), [{ kind: 'continue' }], port);
    }
    connect('10025');
    t.match(await rcpt('<b@mail.inside>'), [{ kind: 'continue' }]);
    t.match(await rcpt('<b@held.example>'), [{ kind: 'continue' }]);
    t.match(await rcpt('<postmaster>'), [{ kind: 'continue' }]);
    t.same(asked, []);
  },
);

t.test('a wait keeps Postfix waiting with PROGRESS', async (t) => {
  let open: ((answer: DoorAnswer) => void) | undefined;
  const { connect, rcpt, line, time } = door(t, {
    ask: () =>
      new Promise((resolve) => {
        open = resolve;
      }),
  });
  connect('10025');
  t.same(await rcpt('<a@free.example>'), []);
  await time.advance(19_000);
  const kinds = line.wire.takeReplies().map(({ kind }) => kind);
  t.same([...new Set(kinds)], ['progress']);
  t.ok(kinds.length >= 9, `${kinds.length} times in 19 s`);
  open?.({ kind: 'in' });
  await time.settle();
  t.match(line.wire.takeReplies(), [{ kind: 'continue' }]);
});

t.test(
  'a client that goes while it waits, or before the end: not given back, not under way',
  async (t) => {
    const { connect, rcpt, line, left, decided } = door(t);
    connect('10025');
    await rcpt('<a@free.example>');
    line.say(say.ABORT);
    t.same(left, [
      { id: 'mx/rcpt-1', providers: new Set(['free.example']), recipients: ['a@free.example'] },
    ]);
    t.same(decided, []);
  },
);

t.test('what fails is refused for now, never let through unasked', async (t) => {
  const { connect, rcpt } = door(t, {
    ask: async () => {
      throw new Error('the store is gone');
    },
  });
  connect('10025');
  t.match(await rcpt('<a@free.example>'), [{ kind: 'replycode', code: 451, dsn: '4.7.1' }]);
});

t.test('the text of a refusal', (t) => {
  const now = Date.UTC(2026, 10, 24, 10, 0, 0, 0);
  const cause = { kind: 'quota', provider: 'utc' } as const;
  t.same(refusal(cause, now + 11_500, now).lines, [
    'quota of utc; next chance at 2026-11-24T10:00:12Z, in 12 s',
  ]);
  t.same(refusal({ ...cause, kind: 'suspended' }, Infinity, now).lines, [
    'utc is suspended; when is not known',
  ]);
  t.match(refusal(cause, now - 5, now).lines[0], /in 1 s$/, 'never in the past');
  t.match(
    refusal({ kind: 'pace', provider: 'bücher.example\r\n250' }, now, now).lines[0],
    /b\?cher/,
  );
  t.end();
});
