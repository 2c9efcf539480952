import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { encodeCommand } from '../../src/milter/mta.ts';
import type { Command } from '../../src/milter/command.ts';
import { proceed } from '../../src/milter/verdict.ts';
import { ABORT, CONNECT, EOM, HEADER, macroList, MAIL, QUIT, RCPT } from './dialogue.ts';
import { lineTo, OFFER } from './memory-wire.ts';

interface Slow {
  readonly line: ReturnType<typeof lineTo>;
  readonly ends: string[];
  readonly signals: AbortSignal[];
  /** Lets the oldest waiting handler settle. */
  readonly go: () => void;
}

/** A milter whose end of message waits to be told. */
function slow(decisionMs = 1000): Slow {
  const ends: string[] = [];
  const signals: AbortSignal[] = [];
  const waiting: (() => void)[] = [];
  const line = lineTo({
    limits: { decisionMs },
    on: {
      connect() {},
      mail() {},
      rcpt() {},
      async eom(_event, { signal }) {
        signals.push(signal);
        await new Promise<void>((resolve) => waiting.push(resolve));
        return proceed;
      },
    },
    end: (how) => void ends.push(how),
  });
  return { line, ends, signals, go: () => waiting.shift()?.() };
}

function reasonOf(signal: AbortSignal | undefined): unknown {
  const reason: unknown = signal?.reason;
  return reason instanceof DOMException ? reason.name : reason;
}

t.test('a slow answer is one answer, and the next event waits for it', async (t) => {
  const { line, ends, signals, go } = slow();
  t.strictSame(line.say(MAIL, RCPT, EOM, MAIL), ['continue', 'continue']);
  t.strictSame(ends, []);
  go();
  await turn();
  t.strictSame(line.wire.takeReplies(), [proceed, proceed]);
  t.strictSame(ends, ['passed']);
  t.notOk(signals[0]?.aborted);
});

t.test('the MTA hangs up: the signal fires, the late answer counts for nothing', async (t) => {
  const { line, ends, signals, go } = slow();
  line.say(MAIL, RCPT, EOM);
  line.connection.hangUp();
  t.equal(reasonOf(signals[0]), 'AbortError');
  t.strictSame(ends, ['aborted']);
  go();
  await turn();
  t.strictSame(ends, ['aborted'], 'it is not passed afterwards');
  t.strictSame(line.wire.takeReplies(), []);
  t.equal(line.service.messages, 0);
});

t.test('ABORT or QUIT read behind a slow event: the same, and nothing shifts', async (t) => {
  for (const last of [ABORT, QUIT]) {
    const { line, ends, signals, go } = slow();
    t.strictSame(line.say(MAIL, RCPT, EOM, last), ['continue', 'continue', 'tempfail']);
    t.equal(reasonOf(signals[0]), 'AbortError');
    t.strictSame(ends, ['aborted']);
    go();
    await turn();
    t.strictSame(line.wire.takeReplies(), []);
    if (last === ABORT) t.strictSame(line.say(MAIL, RCPT), ['continue', 'continue']);
    else t.equal(line.wire.state, 'ended');
  }
});

t.test('the deadline: the signal fires, the late answer counts for nothing', async (t) => {
  const { line, ends, signals, go } = slow(10);
  line.say(MAIL, EOM);
  await sleep(40);
  t.equal(reasonOf(signals[0]), 'TimeoutError');
  t.strictSame(line.wire.takeReplies(), [{ kind: 'tempfail' }]);
  t.strictSame(ends, ['refused']);
  go();
  await turn();
  t.strictSame(line.wire.takeReplies(), []);
  t.strictSame(line.say(MAIL), ['continue']);
});

t.test('a signal that is asked for late has fired already', async (t) => {
  let late: AbortSignal | undefined;
  const line = lineTo({
    on: {
      async eom(_event, context) {
        await turn();
        late = context.signal;
      },
    },
  });
  line.say(MAIL, EOM);
  line.connection.hangUp();
  await turn();
  await turn();
  t.ok(late?.aborted);
});

t.test(
  'progress: to Postfix at any event, to others at the end of message, to nobody else',
  async (t) => {
    const steps: (() => void)[] = [];
    const wait = async (_event: unknown, context: { progress(): void }): Promise<void> => {
      context.progress();
      await new Promise<void>((resolve) => steps.push(resolve));
      context.progress();
      await turn();
      setImmediate(() => context.progress());
    };
    const line = lineTo({ on: { connect() {}, rcpt: wait, eom: wait } });
    line.say(CONNECT);
    line.say(RCPT);
    steps.shift()?.();
    for (let i = 0; i < 4; i++) await turn();
    t.strictSame(line.wire.takeReplies(), [proceed], 'an MTA that is not known to take it');
    line.say(EOM);
    steps.shift()?.();
    for (let i = 0; i < 4; i++) await turn();
    t.strictSame(line.wire.takeReplies(), [{ kind: 'progress' }, proceed]);
    line.say(macroList('C', 'v', 'Postfix 3.7.11'), CONNECT, RCPT);
    steps.shift()?.();
    for (let i = 0; i < 4; i++) await turn();
    t.strictSame(line.wire.takeReplies(), [{ kind: 'progress' }, proceed]);
  },
);

t.test('progress restarts the deadline', async (t) => {
  const patient = lineTo({
    limits: { decisionMs: 80 },
    on: {
      async eom(_event, context) {
        for (let i = 0; i < 5; i++) {
          await sleep(40);
          context.progress();
        }
      },
    },
  });
  patient.say(EOM);
  await sleep(320);
  t.equal(patient.wire.takeReplies().at(-1)?.kind, 'continue');
});

t.test('a flood behind a slow handler stops the reading and keeps memory flat', async (t) => {
  let seen = 0;
  let release: (() => void) | undefined;
  const line = lineTo({
    on: {
      mail: () => new Promise<void>((resolve) => (release = resolve)),
      eom() {},
    },
    observe: { header: () => void seen++ },
  });
  line.connection.receive(encodeCommand(MAIL));
  const header = encodeCommand(HEADER);
  const chunk = Buffer.concat(Array.from({ length: 1000 }, () => header));
  let chunks = 0;
  while (!line.wire.isPaused && chunks < 100) {
    line.connection.receive(chunk);
    chunks++;
  }
  t.ok(line.wire.isPaused);
  t.ok(chunks <= 3, `paused after ${chunks} chunks`);
  t.equal(seen, 0);
  release?.();
  await turn();
  t.equal(seen, chunks * 1000);
  t.notOk(line.wire.isPaused);
  for (let i = 0; i < 100; i++) line.connection.receive(chunk);
  t.equal(seen, (chunks + 100) * 1000, 'and 100000 more with a quick one');
  t.strictSame(line.wire.takeReplies(), [proceed]);
});

t.test('a peer that reads slowly gets no more until it has read', (t) => {
  let messages = 0;
  const line = lineTo({
    edits: ['replaceBody'],
    on: {
      eom({ edit }) {
        messages++;
        edit.replaceBody(Buffer.alloc(200_000, 'x'));
      },
    },
  });
  line.wire.isFast = false;
  const two: readonly Command[] = [EOM, EOM, EOM];
  line.connection.receive(Buffer.concat(two.map(encodeCommand)));
  t.equal(messages, 1);
  line.connection.drained();
  t.equal(messages, 2);
  line.wire.isFast = true;
  line.connection.drained();
  t.equal(messages, 3);
  t.equal(line.wire.takeReplies().length, 15, 'four chunks and an answer each');
  t.end();
});

t.test('a version 2 MTA', (t) => {
  const line = lineTo(
    { on: { connect() {}, mail() {}, rcpt() {}, data() {}, eom() {} }, edits: ['quarantine'] },
    null,
  );
  const offer = { ...OFFER, version: 2, protocol: 0x7f };
  line.connection.receive(encodeCommand(offer));
  t.match(line.wire.takeReplies(), [{ version: 2, actions: 0x20, protocol: 0x72 }]);
  t.strictSame(
    line.say(CONNECT, MAIL, RCPT, EOM),
    Array.from({ length: 4 }, () => 'continue'),
  );
  t.end();
});
