import t from 'tap';
import type { Command } from '../../src/milter/command.ts';
import { ProtocolError } from '../../src/milter/error.ts';
import { envelope } from '../../src/milter/mta.ts';
import { discard, reject, reply, tempfail, type Action } from '../../src/milter/verdict.ts';
import {
  ABORT,
  BODY,
  CONNECT,
  DATA,
  EOH,
  EOM,
  HEADER,
  HELO,
  macroList,
  MAIL,
  QUIT,
  QUIT_NC,
  RCPT,
  UNKNOWN,
} from './dialogue.ts';
import { lineTo, OFFER, type Line } from './memory-wire.ts';

interface Seen {
  readonly line: Line;
  readonly ends: string[];
  readonly sessions: number[];
  readonly faults: unknown[];
}

/** Refuses `no@…`, drops `drop@…`. */
function judge(address: string): Action<'mail'> | undefined {
  if (address.startsWith('<no@')) return reject;
  if (address.startsWith('<drop@')) return discard;
  return undefined;
}

/** A milter that refuses what is called `no@…`, `drop@…`, and notes how transactions end. */
function watched(offer: Command | null = OFFER): Seen {
  const ends: string[] = [];
  const sessions: number[] = [];
  const faults: unknown[] = [];
  let made = 0;
  const line = lineTo<{ id: number }, { senders: string[]; recipients: string[]; data?: string }>(
    {
      session: () => ({ id: ++made }),
      transaction: () => ({ senders: [], recipients: [] }),
      on: {
        connect: (_event, { session }) => void sessions.push(session.id),
        helo() {},
        mail(event, { txn }) {
          txn.senders.push(event.address);
          return judge(event.address);
        },
        rcpt(event, { txn }) {
          txn.recipients.push(event.address);
          return judge(event.address);
        },
        data: (_event, { macros }) => (macros.get('refuse') ? tempfail : undefined),
        header: (event) =>
          event.value.toString() === 'no' ? reply(550, '5.7.1', 'no') : undefined,
        eoh() {},
        body() {},
        unknown() {},
        eom: (_event, { macros }) => (macros.get('refuse') ? tempfail : undefined),
      },
      end(how, { session, txn }) {
        ends.push(`${session.id} ${how} ${txn.senders.join()} ${txn.recipients.join()}`);
      },
      onFault: (error) => void faults.push(error),
    },
    offer,
  );
  return { line, ends, sessions, faults };
}

const PASSED = '1 passed <alice@example.org> <bob@example.net>';
const ABORTED = '1 aborted <alice@example.org> <bob@example.net>';

t.test('one message', (t) => {
  const { line, ends } = watched();
  const message = [CONNECT, HELO, MAIL, RCPT, DATA, HEADER, EOH, BODY, EOM];
  t.strictSame(
    line.say(...message),
    Array.from(message, () => 'continue'),
  );
  t.strictSame(ends, [PASSED]);
  t.strictSame(line.say(ABORT, ABORT, QUIT), []);
  t.equal(line.wire.state, 'ended');
  t.strictSame(ends, [PASSED], 'ended once');
  t.equal(line.service.messages, 1);
  t.end();
});

t.test('fifty messages on a connection, with ABORT after none, one or two', (t) => {
  const { line, ends } = watched();
  line.say(CONNECT, HELO);
  for (let i = 0; i < 50; i++) {
    const aborts = Array.from({ length: i % 3 }, () => ABORT);
    t.equal(line.say(MAIL, RCPT, DATA, EOH, EOM, ...aborts).length, 5);
  }
  t.equal(line.service.messages, 50);
  t.strictSame(
    ends,
    Array.from({ length: 50 }, () => PASSED),
  );
  t.end();
});

t.test('how a transaction ends without its end of message', (t) => {
  const endings: Readonly<Record<string, readonly Command[]>> = {
    ABORT: [ABORT],
    'ABORT twice': [ABORT, ABORT],
    MAIL: [MAIL, RCPT, ABORT],
    HELO: [HELO],
    CONNECT: [CONNECT],
    QUIT: [QUIT],
    QUIT_NC: [QUIT_NC],
  };
  for (const [name, commands] of Object.entries(endings)) {
    const { line, ends } = watched();
    line.say(CONNECT, HELO, MAIL, RCPT);
    line.say(...commands);
    line.connection.hangUp();
    t.strictSame(ends, name === 'MAIL' ? [ABORTED, ABORTED] : [ABORTED], name);
  }
  for (const stop of [1, 2, 3, 4, 5, 6, 7]) {
    const { line, ends } = watched();
    line.say(...[CONNECT, MAIL, RCPT, DATA, HEADER, EOH, BODY].slice(0, stop));
    line.connection.hangUp();
    line.connection.hangUp();
    t.equal(ends.length, stop > 1 ? 1 : 0, `hang-up after ${stop} commands`);
  }
  t.end();
});

t.test('ABORT where nothing is open is silent and forgets nothing', (t) => {
  const { line, ends, sessions } = watched();
  t.strictSame(line.say(ABORT, CONNECT, HELO, ABORT, ABORT), ['continue', 'continue']);
  t.strictSame(line.say(MAIL, RCPT, DATA, EOM, ABORT), [
    'continue',
    'continue',
    'continue',
    'continue',
  ]);
  t.strictSame(sessions, [1]);
  t.strictSame(ends, [PASSED], 'the session is the same');
  t.end();
});

t.test('a refused recipient does not end the message', (t) => {
  const { line, ends } = watched();
  const no = envelope('rcpt', '<no@example.net>');
  t.strictSame(line.say(CONNECT, MAIL, no, RCPT, DATA, EOM), [
    'continue',
    'continue',
    'reject',
    'continue',
    'continue',
    'continue',
  ]);
  t.strictSame(ends, ['1 passed <alice@example.org> <no@example.net>,<bob@example.net>']);
  t.strictSame(line.say(MAIL, no, ABORT, MAIL, RCPT), [
    'continue',
    'reject',
    'continue',
    'continue',
  ]);
  t.equal(ends[1], '1 aborted <alice@example.org> <no@example.net>');
  t.end();
});

t.test('a refused sender, header, or end of message ends it at once; the next one is free', (t) => {
  const { line, ends } = watched();
  line.say(CONNECT);
  line.say(envelope('mail', '<no@example.org>'));
  t.strictSame(ends, ['1 refused <no@example.org> ']);
  line.say(ABORT, MAIL, RCPT, DATA, { kind: 'header', name: 'X', value: Buffer.from('no') });
  t.equal(ends[1], '1 refused <alice@example.org> <bob@example.net>');
  line.say(ABORT, MAIL, RCPT, DATA, macroList('E', 'refuse', 'yes'), EOM);
  t.equal(ends[2], ends[1]);
  line.say(ABORT, MAIL, envelope('rcpt', '<drop@example.net>'));
  t.match(ends[3], /^1 refused .* <drop@example.net>$/);
  line.say(ABORT, MAIL, RCPT, DATA, EOM);
  t.equal(ends[4], PASSED);
  t.equal(ends.length, 5);
  t.end();
});

t.test('after a refused DATA the same transaction may go on', (t) => {
  const { line, ends } = watched();
  t.strictSame(line.say(CONNECT, MAIL, RCPT, macroList('T', 'refuse', 'yes'), DATA), [
    'continue',
    'continue',
    'continue',
    'tempfail',
  ]);
  t.strictSame(ends, []);
  line.say(RCPT, DATA, EOM);
  t.strictSame(ends, ['1 passed <alice@example.org> <bob@example.net>,<bob@example.net>']);
  line.say(MAIL, RCPT, macroList('T', 'refuse', 'yes'), DATA, ABORT);
  t.equal(ends[1], '1 refused <alice@example.org> <bob@example.net>');
  t.end();
});

t.test('RCPT and DATA again after DATA, with no MAIL and no ABORT', (t) => {
  const { line, ends } = watched();
  t.equal(line.say(CONNECT, MAIL, RCPT, DATA, RCPT, DATA, EOM).length, 7);
  t.strictSame(ends, ['1 passed <alice@example.org> <bob@example.net>,<bob@example.net>']);
  t.end();
});

t.test('QUIT_NC: no answer, a new session without a new offer', (t) => {
  const { line, ends, sessions } = watched();
  line.say(CONNECT, MAIL, RCPT, DATA, EOM);
  t.strictSame(line.say(QUIT_NC), []);
  t.strictSame(line.say(OFFER), [], 'libmilter does not answer either');
  t.equal(line.say(CONNECT, MAIL, RCPT, DATA, EOM).length, 5);
  t.strictSame(sessions, [1, 2]);
  t.strictSame(ends, [PASSED, PASSED.replace('1', '2')]);
  t.equal(line.wire.state, 'open');
  t.end();
});

t.test('commands out of place: what can be answered is, nonsense closes', (t) => {
  const { line } = watched();
  t.equal(line.say(EOM, BODY, DATA, MAIL, UNKNOWN, HELO, UNKNOWN).length, 7);
  for (const nonsense of [MAIL, CONNECT, ABORT, macroList('C'), QUIT_NC]) {
    const { line: fresh, faults } = watched(null);
    t.strictSame(fresh.say(nonsense), []);
    t.equal(fresh.wire.state, 'destroyed', nonsense.kind);
    t.ok(faults[0] instanceof ProtocolError);
  }
  const { line: twice, faults } = watched();
  t.strictSame(twice.say(CONNECT, OFFER, HELO), ['continue']);
  t.equal(twice.wire.state, 'destroyed');
  t.match(faults[0], { name: 'ProtocolError', message: 'second OPTNEG' });
  const { line: quiet, faults: none } = watched(null);
  t.strictSame(quiet.say(QUIT), []);
  t.equal(quiet.wire.state, 'ended');
  t.strictSame(none, []);
  t.end();
});

t.test('an old MTA puts the last of the body into the end of message', (t) => {
  const seen: string[] = [];
  let isBad = false;
  const line = lineTo({
    on: {
      body(event) {
        seen.push(event.chunk.toString());
        return isBad ? reject : undefined;
      },
      eom: () => void seen.push('eom'),
    },
  });
  const last: Command = { kind: 'eom', chunk: Buffer.from('tail\r\n') };
  t.strictSame(line.say(BODY, last), ['continue', 'continue'], 'one answer for both');
  t.strictSame(seen, ['hello\r\n', 'tail\r\n', 'eom']);
  isBad = true;
  t.strictSame(line.say(last), ['reject']);
  t.equal(seen.at(-1), 'tail\r\n', 'a refusal in the tail is the answer');
  const plain = lineTo({ on: { eom: () => void seen.push('plain') } });
  t.strictSame(plain.say(last), ['continue']);
  t.equal(seen.at(-1), 'plain');
  t.end();
});

t.test('recipients that the MTA refuses itself', (t) => {
  const seen: unknown[] = [];
  const line = lineTo({
    rejectedRecipients: true,
    on: { rcpt: (event) => void seen.push(event.rejected), eom() {} },
  });
  const list = ['{rcpt_mailer}', 'error', '{rcpt_host}', '5.1.1', '{rcpt_addr}', 'no such user'];
  line.say(macroList('R', ...list), RCPT, macroList('R', '{rcpt_mailer}', 'smtp'), RCPT);
  const alias = ['{rcpt_mailer}', 'error', '{rcpt_host}', 'User unknown in virtual alias table'];
  line.say(macroList('R', ...alias), RCPT);
  t.strictSame(seen, [{ dsn: '5.1.1', text: 'no such user' }, undefined, undefined]);
  t.end();
});

t.test('the macros of one message are not seen in the next', (t) => {
  const seen: (string | undefined)[] = [];
  const line = lineTo({
    on: {
      mail: (_event, { macros }) => void seen.push(macros.get('{auth_authen}')),
      eom: (_event, { macros }) => void seen.push(macros.get('i')),
    },
  });
  line.say(macroList('M', '{auth_authen}', 'alice'), MAIL, macroList('E', 'i', 'QID1'), EOM, ABORT);
  line.say(MAIL, EOM);
  t.strictSame(seen, ['alice', 'QID1', undefined, undefined]);
  t.end();
});
