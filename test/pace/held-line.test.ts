import * as fc from 'fast-check';
import t from 'tap';
import { decodeLine, encodeLine } from '../../src/pace/held-line.ts';
import { aRecord } from './pacing.ts';

t.test('what is written is read back, whatever the addresses', async (t) => {
  const text = fc.string({ unit: 'binary' });
  fc.assert(
    fc.property(text, fc.array(text), text, (sender, recipients, why) => {
      const line = { op: 'held', ...aRecord('4bXYz0123z1', recipients, 1.5), sender, why } as const;
      const encoded = encodeLine(line);
      return encoded.indexOf('\n') === encoded.length - 1 && t.same(decodeLine(encoded), line);
    }),
    { numRuns: 100 },
  );
  const gone = { op: 'gone', queueId: 'ABCDEF012' } as const;
  t.same(decodeLine(encodeLine(gone)), gone);
});

t.test('a line that is cut anywhere is no line', async (t) => {
  const encoded = encodeLine({ op: 'held', ...aRecord('ABCDEF012', ['a@b.example'], 1) }).trim();
  for (let length = 0; length < encoded.length; length++) {
    if (decodeLine(encoded.slice(0, length)) !== undefined) t.fail(`cut at ${length}`);
  }
  t.ok(decodeLine(encoded));
});

t.test('what is no line of ours', async (t) => {
  const table = [
    'null',
    '[]',
    '{}',
    '"held"',
    '{"op":"gone"}',
    '{"op":"gone","queueId":"-H ALL"}',
    '{"op":"gone","queueId":"../x"}',
    '{"op":"other","queueId":"ABCDEF012"}',
    '{"op":"held","queueId":"ABCDEF012"}',
    '\0\0\0\0',
    '{"op":"gone","queueId":"ABCDEF012"}{"op":"gone","queueId":"ABCDEF012"}',
  ];
  for (const text of table) t.equal(decodeLine(text), undefined, text);
});
