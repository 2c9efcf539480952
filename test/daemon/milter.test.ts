import t from 'tap';
import type { Test } from 'tap';
import { milterOptions, type MilterParts } from '../../src/daemon/milter.ts';
import type { Command } from '../../src/milter/command.ts';
import { encodeCommand, envelope } from '../../src/milter/mta.ts';
import type { Message } from '../../src/pace/message.ts';
import type { Verdict } from '../../src/pace/verdict.ts';
import * as say from '../milter/dialogue.ts';
import { lineTo, OFFER } from '../milter/memory-wire.ts';
import { SpokenLog } from '../pace/spoken-log.ts';
import { VirtualTime } from '../pace/virtual-time.ts';

function milter(t: Test, more: Partial<MilterParts> = {}) {
  const time = new VirtualTime(t);
  const log = new SpokenLog();
  const asked: Message[] = [];
  const anyway: (readonly [Message, string])[] = [];
  const options = milterOptions({
    prepare: async () => undefined,
    leaves: (destination) => !destination.endsWith('.inside'),
    headerNames: () => new Set(),
    settled: () => undefined,
    decide: async (message) => {
      asked.push(message);
      return { kind: 'pass' };
    },
    holdAnyway: (message, why): Verdict => {
      anyway.push([message, why]);
      return { kind: 'hold', why };
    },
    log,
    ...more,
  });
  const line = lineTo(options);
  const send = async (recipients: readonly string[], sender = '<app@example.org>') => {
    line.say(say.CONNECT, envelope('mail', sender));
    for (const recipient of recipients) {
      line.say(say.macroList('R', '{rcpt_mailer}', 'smtp'), envelope('rcpt', recipient));
    }
    line.say(say.macroList('E', 'i', 'QUEUE01'), say.EOM);
  };
  const replies = () => line.wire.takeReplies();
  return { time, log, asked, anyway, options, line, send, replies };
}

const APP = {
  sender: 'app@example.org',
  login: undefined,
  client: '192.0.2.1',
  headers: new Map(),
};

const kinds = (replies: readonly { readonly kind: string }[]) => replies.map(({ kind }) => kind);

t.test('the envelope of what leaves is what is decided upon', async (t) => {
  const { send, asked, time } = milter(t);
  await send([
    '<Bob@Example.net>',
    '<me@mail.inside>',
    '<postmaster>',
    '<@relay.example:x@a.example>',
  ]);
  await time.settle();
  t.same(asked, [
    {
      queueId: 'QUEUE01',
      origin: APP,
      recipients: ['Bob@Example.net', 'x@a.example'],
    },
  ]);
});

t.test('mail that stays is not asked about', async (t) => {
  const { send, asked, time, replies } = milter(t);
  await send(['<me@mail.inside>']);
  await time.settle();
  t.same(asked, []);
  t.same(kinds(replies()), ['continue']);
});

const header = (name: string, value: string) =>
  ({ kind: 'header', name, value: Buffer.from(value) }) as const;

t.test(
  'where it comes from: the login, the client, and the headers that are asked for',
  async (t) => {
    const names = new Set(['precedence']);
    const { line, asked, time } = milter(t, { headerNames: () => names });
    const message = (login: string, ...headers: readonly Command[]) =>
      line.say(
        say.macroList('M', '{auth_authen}', login),
        envelope('mail', '<app@example.org>'),
        envelope('rcpt', '<x@a.example>'),
        ...headers,
        say.macroList('E', 'i', 'QUEUE01'),
        say.EOM,
      );
    line.say(say.CONNECT);
    message('wekan', header('Subject', 'x'), header('PRECEDENCE', 'Bulk'));
    await time.settle();
    message('', ...Array.from({ length: 30 }, () => header('precedence', 'list')));
    await time.settle();
    const [one, two] = asked.map(({ origin }) => origin);
    t.match(one, { sender: 'app@example.org', login: 'wekan', client: '192.0.2.1' });
    t.same([...(one?.headers ?? [])], [['precedence', [{ text: 'bulk', isCut: false }]]]);
    t.equal(two?.login, undefined, 'nothing is left of the message before');
    t.equal(two?.headers?.get('precedence')?.length, 20, 'not any number of them');
  },
);

t.test('sendmail(1) is no client, whatever Postfix calls it', async (t) => {
  const { line, asked, time } = milter(t);
  const sendmail = { kind: 'connect', host: 'localhost', family: 'inet', port: 0 } as const;
  line.say(
    { ...sendmail, address: '127.0.0.1' },
    envelope('mail', 'root'),
    envelope('rcpt', 'x@a.example'),
    say.macroList('E', 'i', 'QUEUE01'),
    say.EOM,
  );
  await time.settle();
  t.equal(asked[0]?.origin.client, undefined);
});

t.test('headers are asked for only while a lane goes by one', async (t) => {
  let names = new Set<string>();
  const NO_HEADERS = 0x20;
  const agreed: number[] = [];
  const parts = { headerNames: () => names };
  const first = milter(t, parts);
  const connect = (): void => {
    const line = lineTo(first.options, null);
    line.connection.receive(encodeCommand(OFFER));
    const [reply] = line.wire.takeReplies();
    agreed.push(reply?.kind === 'optneg' ? reply.protocol : -1);
  };
  connect();
  names = new Set(['precedence']);
  connect();
  t.equal((agreed[0] ?? 0) & NO_HEADERS, NO_HEADERS);
  t.equal((agreed[1] ?? 0) & NO_HEADERS, 0);
  t.equal((agreed[1] ?? 0) & 0x80, 0x80, 'no answer to each is waited for');
  // The connection that was there before brings none: its mail is decided upon without them.
  await first.send(['<x@a.example>']);
  await first.time.settle();
  t.same([...(first.asked[0]?.origin.headers ?? [])], []);
  first.replies();
});

t.test('the null sender', async (t) => {
  const { send, asked, time } = milter(t);
  await send(['<x@a.example>'], '<>');
  await time.settle();
  t.equal(asked[0]?.origin.sender, '');
});

t.test('hold: QUARANTINE with the reason, then the answer', async (t) => {
  const why = `pace of ${'x'.repeat(500)}`;
  const { send, time, replies } = milter(t, { decide: async () => ({ kind: 'hold', why }) });
  await send(['<x@a.example>']);
  await time.settle();
  const [quarantine, last] = replies();
  t.match(quarantine, { kind: 'quarantine', reason: /^postpace: pace of x+$/ });
  t.ok(JSON.stringify(quarantine).length < 300, 'a reason that fits a log line');
  t.equal(last?.kind, 'continue');
});

t.test('no verdict in time: held, with every recipient, in one answer', async (t) => {
  const { send, time, anyway, replies } = milter(t, { decide: () => new Promise(() => undefined) });
  await send(['<x@a.example>', '<me@mail.inside>']);
  await time.advance(2900);
  t.same(replies(), []);
  await time.advance(200);
  t.same(kinds(replies()), ['quarantine', 'continue']);
  t.same(anyway, [
    [
      {
        queueId: 'QUEUE01',
        origin: APP,
        recipients: ['x@a.example', 'me@mail.inside'],
      },
      'no verdict in time',
    ],
  ]);
  await time.advance(20_000);
  t.same(replies(), [], 'and nothing after it');
});

t.test('it can’t be found out in time who stays here: held with all', async (t) => {
  const { send, time, anyway, replies } = milter(t, {
    prepare: () => new Promise(() => undefined),
  });
  await send(['<x@a.example>']);
  await time.advance(3100);
  t.same(kinds(replies()), ['quarantine', 'continue']);
  t.same(anyway[0]?.[0].recipients, ['x@a.example']);
});

t.test('a failure at the end of message is QUARANTINE, never a refusal', async (t) => {
  for (const decide of [
    () => Promise.reject(new Error('bug')),
    () => {
      throw new Error('bug');
    },
  ]) {
    const { send, time, log, replies } = milter(t, { decide });
    await send(['<x@a.example>']);
    await time.settle();
    t.same(kinds(replies()), ['quarantine', 'continue']);
    t.match(log.of('a milter event failed')[0]?.fields, { stage: 'eom', error: 'bug' });
    time.leave();
  }
});

t.test(
  'a failure before it is nothing Postfix hears of, and the mail is decided upon',
  async (t) => {
    let failures = 1;
    const { send, asked, time, log, replies } = milter(t, {
      prepare: () => {
        if (failures-- > 0) throw new Error('bug');
        return Promise.resolve();
      },
    });
    await send(['<x@a.example>']);
    await time.settle();
    t.equal(log.of('a milter event failed')[0]?.fields.stage, 'rcpt');
    t.same(kinds(replies()), ['continue']);
    t.same(asked[0]?.recipients, ['x@a.example']);
  },
);

t.test('two messages in one session are two', async (t) => {
  const { send, asked, time } = milter(t);
  await send(['<x@a.example>']);
  await time.settle();
  await send(['<y@b.example>']);
  await time.settle();
  t.same(
    asked.map(({ recipients }) => recipients),
    [['x@a.example'], ['y@b.example']],
  );
});

t.test('peers that talk no milter protocol fill no log', async (t) => {
  const log = new SpokenLog();
  const time = new VirtualTime(t);
  const options = milterOptions({
    prepare: async () => undefined,
    leaves: () => true,
    headerNames: () => new Set(),
    settled: () => undefined,
    decide: async () => ({ kind: 'pass' }),
    holdAnyway: (_, why) => ({ kind: 'hold', why }),
    log,
  });
  for (let i = 0; i < 100; i++) {
    const { connection } = lineTo(options, null);
    connection.receive(Buffer.from('GET / HTTP/1.0\r\n\r\n'));
  }
  await time.settle();
  t.equal(log.of('not a milter conversation').length, 1);
});
