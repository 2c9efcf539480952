import { randomBytes } from 'node:crypto';
import t from 'tap';
import type { SentFact } from '../../src/feedback/sent-book.ts';
import { signToken } from '../../src/feedback/token.ts';
import { judgeTrust, OLDEST_MS } from '../../src/feedback/trust.ts';

const key = randomBytes(32);
const NOW_MS = 1_764_000_000_000;
const QUEUE_ID = '4cRxYz1abcz2Gk';
const fact: SentFact = { id: `mx/${QUEUE_ID}`, leftMs: NOW_MS - 60_000, fate: 'taken' };

const judge = (
  { tokens = [], queueIds = [] }: { tokens?: string[]; queueIds?: string[] },
  addresses: readonly (string | undefined)[] = ['jane@utc.fr'],
  found: SentFact = fact,
) =>
  judgeTrust({ tokens, queueIds }, addresses, {
    key,
    host: 'mx',
    find: (queueId, recipient) =>
      queueId === QUEUE_ID && recipient === 'jane@utc.fr' ? found : undefined,
    nowMs: NOW_MS,
  });
const token = (atMs: number, recipient = 'jane@utc.fr', id = `mx/${QUEUE_ID}`) =>
  signToken(key, { id, atSec: atMs / 1000 }, [recipient]);

t.test('proven by a record', (t) => {
  t.match(judge({ queueIds: ['4cother0000000', QUEUE_ID] }), { by: 'records', ...fact });
  t.match(judge({ queueIds: [QUEUE_ID] }, ['jane@elsewhere.example', 'jane@utc.fr']), {
    by: 'records',
    recipient: 'jane@utc.fr',
  });
  t.end();
});

t.test('proven by a token, without a record and of another host too', (t) => {
  const other = token(NOW_MS - 3_600_000, 'joe@utc.fr', 'mx2/4cRxYz1abcz2Gk');
  t.match(judge({ tokens: [other] }, ['joe@utc.fr']), {
    by: 'token',
    id: 'mx2/4cRxYz1abcz2Gk',
    leftMs: NOW_MS - 3_600_000,
    fate: undefined,
  });
  t.match(judge({ tokens: [token(NOW_MS - 120_000)] }), { by: 'token', fate: 'taken' });
  t.end();
});

const UNPROVEN: readonly (readonly [why: string, trust: ReturnType<typeof judge>])[] = [
  ['unknown message', judge({})],
  ['unknown message', judge({ queueIds: ['4cother0000000'] })],
  ['unknown message', judge({ queueIds: [QUEUE_ID] }, ['eve@utc.fr'])],
  ['no recipient', judge({ queueIds: [QUEUE_ID] }, [undefined])],
  ['forged token', judge({ tokens: ['v=1; id=mx/1; t=1; r=a; s=b'] })],
  ['forged token', judge({ tokens: ['v=1'], queueIds: [QUEUE_ID] })],
  ['other recipient', judge({ tokens: [token(NOW_MS)] }, ['eve@utc.fr'])],
  ['too old', judge({ tokens: [token(NOW_MS - OLDEST_MS - 1000)] })],
  ['too old', judge({ tokens: [token(NOW_MS + 3_600_000)] })],
  ['too old', judge({ queueIds: [QUEUE_ID] }, undefined, { ...fact, leftMs: 0 })],
];
for (const [why, trust] of UNPROVEN) {
  t.test(`not proven: ${why}`, async (t) => t.same(trust, { kind: 'unproven', why }));
}
