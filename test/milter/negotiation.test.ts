import t from 'tap';
import { NO, NO_REPLY, STAGES, type Stage } from '../../src/milter/codes.ts';
import { ProtocolError } from '../../src/milter/error.ts';
import { negotiate, type Wants } from '../../src/milter/negotiation.ts';

const NONE: Wants = {
  on: new Set(),
  observe: new Set(),
  edits: [],
  macros: {},
  rejectedRecipients: false,
  leadingSpace: false,
};

function offer(version: number, actions: number, protocol: number) {
  return { kind: 'optneg', version, actions, protocol } as const;
}
const FULL = offer(6, 0x1ff, 0x1fffff);

t.test('a filter of the end of message with quarantine: actions 0x120, steps 0x172', (t) => {
  const agreed = negotiate(FULL, {
    ...NONE,
    on: new Set(['connect', 'mail', 'rcpt', 'data', 'eom']),
    edits: ['quarantine'],
    macros: { rcpt: ['i', '{rcpt_addr}'], eom: ['i'] },
  });
  t.match(agreed, { version: 6, actions: 0x120, protocol: 0x172 });
  t.strictSame(agreed.macros, [
    { stage: 'rcpt', names: ['i', '{rcpt_addr}'] },
    { stage: 'eom', names: ['i'] },
  ]);
  t.end();
});

t.test('each event: wanted, looked at, not wanted; with each of its bits offered or not', (t) => {
  for (const stage of STAGES) {
    if (stage === 'eom') continue;
    const others = new Set<Stage>(STAGES.filter((other) => other !== stage));
    const bits = [NO[stage], NO_REPLY[stage]];
    for (const offered of [0, 1, 2, 3]) {
      const protocol = 0x400 | (offered & 1 ? NO[stage] : 0) | (offered & 2 ? NO_REPLY[stage] : 0);
      const chosen = (wants: Partial<Wants>): number[] => {
        const agreed = negotiate(offer(6, 0x1ff, protocol), { ...NONE, ...wants });
        return bits.map((bit) => agreed.protocol & bit);
      };
      const on = new Set([...others, stage]);
      t.strictSame(chosen({ on }), [0, 0], `${stage} wanted`);
      t.strictSame(
        chosen({ on: others, observe: new Set([stage]) }),
        [0, offered & 2 ? NO_REPLY[stage] : 0],
        `${stage} looked at, offered ${offered}`,
      );
      t.strictSame(
        chosen({ on: others }),
        [offered & 1 ? NO[stage] : 0, 0],
        `${stage} not wanted, offered ${offered}`,
      );
    }
  }
  t.end();
});

t.test('versions', (t) => {
  for (const [offered, spoken] of [
    [2, 2],
    [3, 3],
    [4, 4],
    [5, 5],
    [6, 6],
    [7, 6],
    [2 ** 31, 6],
  ] as const) {
    t.equal(negotiate(offer(offered, 0x1ff, 0x7f), NONE).version, spoken);
  }
  for (const version of [0, 1]) {
    t.throws(() => negotiate(offer(version, 0x1ff, 0x7f), NONE), ProtocolError);
  }
  t.end();
});

t.test('nothing is answered that was not offered', (t) => {
  const greedy: Wants = {
    on: new Set(['body', 'eom']),
    observe: new Set(['connect', 'mail']),
    edits: [
      'addHeader',
      'changeHeader',
      'replaceBody',
      'addRecipient',
      'deleteRecipient',
      'changeFrom',
      'quarantine',
    ],
    macros: { mail: ['i'] },
    rejectedRecipients: true,
    leadingSpace: true,
  };
  for (const version of [2, 3, 4, 6]) {
    for (const actions of [0x1ff, 0x3f, 0x0f, 0x20, 0x100]) {
      for (const protocol of [0x1fffff, 0xf01fffff, 0x37f, 0x17f, 0x7f, 0x400, 0x800]) {
        const agreed = negotiate(offer(version, actions, protocol), greedy);
        t.equal(agreed.actions & ~actions, 0);
        t.equal((agreed.protocol & ~protocol) >>> 0, 0);
        t.equal(agreed.protocol >>> 28, 0, 'no larger chunks');
        t.equal(agreed.macros.length, actions & 0x100 ? 1 : 0);
      }
    }
  }
  t.end();
});

t.test('an offer of zero is the offer of version 1', (t) => {
  const wants: Wants = { ...NONE, edits: ['addHeader', 'quarantine'] };
  t.match(negotiate(offer(6, 0, 0), wants), { actions: 0x01, protocol: 0x3f });
  t.end();
});

function steps(wants: Partial<Wants>): number {
  return negotiate(FULL, { ...NONE, ...wants }).protocol;
}

t.test('steps that are asked for only by those who use them', (t) => {
  t.equal(steps({ on: new Set(['rcpt', 'eom']) }) & 0x400, 0);
  t.equal(steps({ on: new Set(['body']) }) & 0x400, 0x400);
  t.equal(steps({ on: new Set(['header']) }) & 0x400, 0x400);
  t.equal(steps({}) & 0x100800, 0);
  t.equal(steps({ rejectedRecipients: true }) & 0x800, 0x800);
  t.equal(steps({ leadingSpace: true }) & 0x100000, 0x100000);
  t.end();
});

t.test('macro lists: none where none is asked for, an empty one is left out', (t) => {
  t.match(negotiate(FULL, NONE), { actions: 0, macros: [] });
  t.match(negotiate(FULL, { ...NONE, macros: { helo: [], eoh: ['i'] } }), {
    actions: 0x100,
    macros: [{ stage: 'eoh', names: ['i'] }],
  });
  t.end();
});
