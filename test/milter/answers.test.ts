import { setImmediate as turn } from 'node:timers/promises';
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import t from 'tap';
import { NO_REPLY, STAGES, type Stage } from '../../src/milter/codes.ts';
import type { Command } from '../../src/milter/command.ts';
import { encodeCommand } from '../../src/milter/mta.ts';
import type { MilterOptions } from '../../src/milter/options.ts';
import {
  accept,
  discard,
  proceed,
  reject,
  reply,
  skip,
  tempfail,
} from '../../src/milter/verdict.ts';
import * as say from './dialogue.ts';
import { lineTo, OFFER } from './memory-wire.ts';

const EVENT: Readonly<Record<Stage, Command>> = {
  connect: say.CONNECT,
  helo: say.HELO,
  mail: say.MAIL,
  rcpt: say.RCPT,
  data: say.DATA,
  unknown: say.UNKNOWN,
  header: say.HEADER,
  eoh: say.EOH,
  body: say.BODY,
  eom: say.EOM,
};

const OUTCOMES: Readonly<Record<string, unknown>> = {
  nothing: undefined,
  null: null,
  proceed,
  reject,
  tempfail,
  discard,
  accept,
  skip,
  reply: reply(451, '4.7.1', 'later'),
  'a broken reply': { kind: 'replycode', code: 451, dsn: '5.7.1', lines: ['a\nb'] },
  'a number': 42,
  'a string': 'continue',
  progress: { kind: 'progress' },
};

const HOW: Readonly<Record<string, (value: unknown) => unknown>> = {
  returned: (value) => value,
  promised: (value) => Promise.resolve(value),
  'promised late': async (value) => {
    await turn();
    return value;
  },
  thrown: (value) => {
    throw new Error('handler', { cause: value });
  },
  rejected: (value) => Promise.reject(new Error('handler', { cause: value })),
  'never settled': () => new Promise(() => {}),
};

/** One handler for one event, typed as loosely as JavaScript would call it. */
function only(stage: Stage, handler: () => unknown): MilterOptions<undefined, undefined> {
  const on: Record<string, () => unknown> = { eom: () => undefined };
  on[stage] = handler;
  return { on, limits: { decisionMs: 5 } };
}

async function settled(isDone: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !isDone(); i++) await new Promise((done) => setTimeout(done, 1));
}

for (const stage of STAGES) {
  t.test(`${stage}: exactly one answer, whatever the handler does`, async (t) => {
    for (const [how, act] of Object.entries(HOW)) {
      for (const [name, outcome] of Object.entries(OUTCOMES)) {
        if (how === 'never settled' && name !== 'nothing') continue;
        const line = lineTo(only(stage, () => act(outcome)));
        line
          .say(EVENT[stage])
          .forEach(() => line.wire.writes.push(Buffer.from('0000000163', 'hex')));
        await settled(() => line.wire.writes.length > 0);
        const answers = line.wire.takeReplies();
        assert.equal(answers.length, 1, `${how} ${name}: ${JSON.stringify(answers)}`);
        // The next event is answered in its turn: nothing has shifted.
        const next = stage === 'helo' ? say.CONNECT : say.HELO;
        assert.deepEqual(line.say(next), ['continue'], `${how} ${name}`);
      }
    }
    t.pass(`${Object.keys(HOW).length} ways`);
  });
}

async function answer(stage: Stage, act: () => unknown): Promise<string | undefined> {
  const line = lineTo(only(stage, act));
  const [now] = line.say(EVENT[stage]);
  if (now !== undefined) return now;
  await settled(() => line.wire.writes.length > 0);
  return line.wire.takeReplies()[0]?.kind;
}

t.test('what is answered: the verdict, or tempfail where the handler failed', async (t) => {
  t.equal(await answer('rcpt', () => reply(451, '4.7.1', 'x')), 'replycode');
  t.equal(await answer('rcpt', () => Promise.resolve(reject)), 'reject');
  t.equal(await answer('eom', () => accept), 'accept');
  t.equal(await answer('eom', () => discard), 'discard');
  t.equal(await answer('body', () => skip), 'skip');
  for (const stage of STAGES) {
    if (stage !== 'eom')
      t.equal(await answer(stage, () => accept), 'tempfail', `accept at ${stage}`);
    t.equal(await answer(stage, () => 42), 'tempfail');
    t.equal(await answer(stage, () => Promise.reject(new Error('x'))), 'tempfail');
    t.equal(await answer(stage, () => new Promise(() => {})), 'tempfail', 'the deadline');
  }
});

t.test('onError answers in place of the failed handler, and may quarantine', async (t) => {
  const seen: string[] = [];
  const options: MilterOptions<undefined, undefined> = {
    edits: ['quarantine', 'addHeader'],
    limits: { decisionMs: 5, eomMs: 10 },
    on: {
      mail() {
        throw new Error('mail fails');
      },
      rcpt: () => new Promise<undefined>(() => {}),
      async eom({ edit }) {
        edit.addHeader('X-Half', 'done');
        await turn();
        throw new Error('eom fails');
      },
    },
    onError(error, { stage, edit }) {
      seen.push(`${stage}: ${error instanceof Error ? error.message : String(error)}`);
      edit?.quarantine('postponed');
      return proceed;
    },
  };
  const line = lineTo(options);
  t.strictSame(line.say(say.MAIL), ['continue']);
  line.say(say.RCPT);
  await settled(() => line.wire.writes.length > 0);
  t.strictSame(line.wire.takeReplies(), [{ kind: 'continue' }]);
  line.say(say.EOM);
  await settled(() => line.wire.writes.length > 0);
  t.equal(line.wire.writes.length, 1, 'one write');
  t.strictSame(line.wire.takeReplies(), [
    { kind: 'quarantine', reason: 'postponed' },
    { kind: 'continue' },
  ]);
  t.strictSame(seen, [
    'mail: mail fails',
    'rcpt: no decision on rcpt within 5 ms',
    'eom: eom fails',
  ]);
});

t.test('onError that fails itself', (t) => {
  const faults: unknown[] = [];
  const line = lineTo({
    on: {
      eom() {
        throw new Error('first');
      },
    },
    onError() {
      throw new Error('second');
    },
    onFault: (error, where) => void faults.push([where, String(error)]),
  });
  t.strictSame(line.say(say.EOM), ['tempfail']);
  t.strictSame(faults, [['callback', 'Error: second']]);
  t.end();
});

t.test('`session`, `transaction` and `end` may fail too', (t) => {
  const errors: string[] = [];
  const faults: string[] = [];
  const line = lineTo({
    transaction() {
      throw new Error('no transaction');
    },
    on: { mail() {}, eom() {} },
    end() {
      throw new Error('no end');
    },
    onError: (error, { stage }) => {
      errors.push(`${stage} ${String(error)}`);
      return proceed;
    },
    onFault: (error) => void faults.push(String(error)),
  });
  t.strictSame(line.say(say.MAIL, say.EOM, say.MAIL), ['continue', 'continue', 'continue']);
  t.strictSame(errors, ['mail Error: no transaction', 'mail Error: no transaction']);
  t.strictSame(faults, ['Error: no end']);
  t.end();
});

t.test(
  'an observer never answers: not where the MTA waits for none, `continue` where it does',
  async (t) => {
    for (const stage of STAGES) {
      if (stage === 'eom') continue;
      for (const offered of [OFFER.protocol, OFFER.protocol & ~NO_REPLY[stage]]) {
        for (const value of ['nothing', 'refuse', 'junk', 'promise', 'reject', 'throw']) {
          const errors: unknown[] = [];
          const observer = (): unknown => {
            if (value === 'throw') throw new Error('observer');
            if (value === 'reject') return Promise.reject(new Error('observer'));
            if (value === 'promise') return Promise.resolve(reject);
            return value === 'nothing' ? undefined : value === 'refuse' ? reject : 42;
          };
          const options = {
            on: { eom() {} },
            observe: { [stage]: observer },
            onError: (error: unknown) => void errors.push(error),
          } as MilterOptions<undefined, undefined>;
          const line = lineTo(options, { ...OFFER, protocol: offered });
          const wanted = offered === OFFER.protocol ? [] : ['continue'];
          assert.deepEqual(line.say(EVENT[stage]), wanted, stage);
          await turn();
          assert.deepEqual(line.wire.takeReplies(), []);
          assert.equal(errors.length, value === 'throw' || value === 'reject' ? 1 : 0);
        }
      }
    }
    t.pass('all events');
  },
);

t.test('an observed session has the answer of its end of message only', (t) => {
  const seen: string[] = [];
  const line = lineTo({
    on: { eom: (_event, { txn }) => void seen.push(txn.join()) },
    transaction: (): string[] => [],
    observe: {
      mail: (event, { txn }) => void txn.push(event.address),
      rcpt: (event, { txn }) => void txn.push(event.address),
    },
  });
  t.strictSame(line.say(say.MAIL, say.RCPT, say.RCPT, say.EOM), ['continue']);
  t.strictSame(seen, ['<alice@example.org>,<bob@example.net>,<bob@example.net>']);
  t.end();
});

t.test('skip: said where it was negotiated, played where it was not', (t) => {
  let calls = 0;
  const options: MilterOptions<undefined, undefined> = {
    on: {
      body() {
        calls++;
        return skip;
      },
      eom() {},
    },
  };
  const line = lineTo(options);
  t.strictSame(line.say(say.MAIL, say.BODY), ['continue', 'skip']);
  t.strictSame(line.say(say.BODY, say.BODY, say.EOM, say.MAIL, say.BODY), [
    'continue',
    'continue',
    'continue',
    'continue',
    'skip',
  ]);
  t.equal(calls, 2);
  const old = lineTo(options, { ...OFFER, protocol: 0x7f });
  t.strictSame(old.say(say.BODY, say.BODY, say.EOM), ['continue', 'continue', 'continue']);
  t.equal(calls, 3);
  t.end();
});

t.test('an event in both `on` and `observe` is a mistake', (t) => {
  t.throws(() => lineTo({ on: { mail() {} }, observe: { mail() {} } }), TypeError);
  t.end();
});

/** What an MTA may send: a session of any messages, with what is odd but seen. */
const script: fc.Arbitrary<readonly Command[]> = fc
  .array(
    fc.oneof(
      fc.constantFrom<readonly Command[]>(
        [say.CONNECT],
        [say.HELO],
        [say.UNKNOWN],
        [say.ABORT],
        [say.ABORT, say.ABORT],
        [say.QUIT_NC, say.CONNECT],
        [say.macroList('M', 'i', 'Q')],
        [say.macroList('H')],
      ),
      fc
        .tuple(
          fc.array(fc.constantFrom(say.RCPT, say.macroList('R', 'i', 'Q'), say.UNKNOWN), {
            maxLength: 4,
          }),
          fc.array(fc.constantFrom(say.HEADER, say.BODY, say.EOH), { maxLength: 4 }),
          fc.boolean(),
        )
        .map(([envelope, content, isWhole]): readonly Command[] => [
          say.MAIL,
          ...envelope,
          say.DATA,
          ...content,
          ...(isWhole ? [say.EOM] : []),
        ]),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.flat());

const SILENT = new Set(['abort', 'macros', 'quit_nc', 'quit']);

t.test('any script of an MTA gets one answer an event, in any segmentation', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      script,
      fc.array(fc.constantFrom(...Object.keys(HOW).slice(0, 5)), { minLength: 1, maxLength: 7 }),
      fc.integer({ min: 1, max: 50 }),
      async (commands, ways, size) => {
        let at = 0;
        const ends: string[] = [];
        let begun = 0;
        const act = (): unknown => HOW[ways[at++ % ways.length] ?? 'returned']?.(undefined);
        const on = Object.fromEntries(STAGES.map((stage) => [stage, act]));
        const line = lineTo({
          on,
          transaction: () => ++begun,
          end: (how) => void ends.push(how),
          onError: () => proceed,
        });
        // A script that waits for each answer, as an MTA does.
        for (const command of commands) {
          const before = line.wire.writes.length;
          const bytes = encodeCommand(command);
          for (let i = 0; i < bytes.length; i += size) {
            line.connection.receive(bytes.subarray(i, i + size));
          }
          if (SILENT.has(command.kind)) continue;
          await settled(() => line.wire.writes.length > before);
        }
        const events = commands.filter(({ kind }) => !SILENT.has(kind)).length;
        assert.equal(line.wire.takeReplies().length, events);
        line.connection.hangUp();
        assert.equal(ends.length, begun, 'each transaction ends once');
        const whole = commands.filter(({ kind }) => kind === 'eom').length;
        assert.equal(ends.filter((how) => how === 'passed').length, whole);
      },
    ),
    { numRuns: 150 },
  );
  t.pass('150 scripts');
});
