import t from 'tap';
import { readGivenLine } from '../../src/feedback/given-event.ts';

const GOOD = {
  at: '2026-11-24T14:00:00Z',
  queueId: '4cRxYz1abcz2Gk',
  recipient: 'jane@utc.fr',
  reply: '550 5.7.1 Policy reason',
  category: 'policy',
  source: 'ours',
};
const line = (changes: object): string => JSON.stringify({ ...GOOD, ...changes });

t.test('a result, however its line ends and its file begins', async (t) => {
  const atMs = Date.UTC(2026, 10, 24, 14);
  const { at: _, ...rest } = GOOD;
  for (const text of [line({}), `${line({})}\r`, `\uFEFF${line({})}`, line({ at: atMs })]) {
    t.match(readGivenLine(text), { ok: true, event: { atMs, ...rest } });
  }
  t.match(readGivenLine(line({ queueId: null, remoteMta: null, blames: null })), {
    ok: true,
    event: { queueId: undefined, remoteMta: undefined, blames: undefined },
  });
});

const WRONG: readonly (readonly [text: string, why: string])[] = [
  ['not JSON', 'found not JSON, expected a JSON object'],
  ['{"at":', 'found {"at":, expected a JSON object'],
  ['[1]', 'found [1], expected a JSON object'],
  ['null', 'found null, expected a JSON object'],
  ['7', 'found 7, expected a JSON object'],
  [
    line({ at: 'yesterday' }),
    'at: found "yesterday", expected milliseconds since the epoch or an RFC 3339 time',
  ],
  [
    line({ at: '2026-11-24T14:00:00' }),
    'at: found "2026-11-24T14:00:00", expected milliseconds since the epoch or an RFC 3339 time',
  ],
  [line({ at: true }), 'at: found true, expected milliseconds since the epoch or an RFC 3339 time'],
  [
    line({ at: undefined }),
    'at: found nothing, expected milliseconds since the epoch or an RFC 3339 time',
  ],
  [line({ queueId: '../x' }), 'queueId: found "../x", expected a queue id, or no such key'],
  [line({ recipient: 5 }), 'recipient: found 5, expected an address of 3 to 320 characters'],
  [line({ reply: null }), 'reply: found null, expected a text of 10,000 characters at most'],
  [
    line({ reply: 'x'.repeat(10_001) }),
    `reply: found "${'x'.repeat(58)}…, expected a text of 10,000 characters at most`,
  ],
  [
    line({ blames: 'us' }),
    'blames: found "us", expected ours, intermediary or unknown, or no such key',
  ],
  ['x'.repeat(20_001), 'found a line of 20001 characters, expected one of 20,000 at most'],
];
for (const [text, why] of WRONG) {
  t.test(`wrong: ${text.slice(0, 40)}`, async (t) => {
    t.same(readGivenLine(text), { ok: false, why });
  });
}

t.test('wrong: a category that there is not', async (t) => {
  const read = readGivenLine(line({ category: 'spam' }));
  t.match(read, {
    ok: false,
    why: /^category: found "spam", expected one of throttled, ip_blocked/,
  });
});
