import t from 'tap';
import { createClassifier } from '../../src/feedback/classify.ts';
import { fateOf, readOutcome } from '../../src/feedback/outcome-reader.ts';
import { loadRules } from '../../src/feedback/rule-files.ts';
import { readDelivery } from '../../src/postfix/delivery-line.ts';
import { delivery } from '../pace/log-events.ts';

const classifier = createClassifier(loadRules());
const THROTTLED =
  'status=deferred (host mx.big.example[192.0.2.7] said: 421 4.7.0 too many messages, slow down)';

function tells(text: string) {
  const read = readDelivery(text);
  if (read === undefined) throw new Error(`no delivery line: ${text}`);
  const event = delivery('4F5C64474F', read.recipient, 0, read);
  return [readOutcome(event, 'big', classifier, ['192.0.2.25']).tells, fateOf(event)];
}

t.test('what a line tells, and what is kept of it', async (t) => {
  const relay = 'relay=mx.big.example[192.0.2.7]:25, delay=1';
  const table: readonly (readonly [text: string, told: string | undefined, fate: string])[] = [
    [`to=<a@big.example>, ${relay}, dsn=2.0.0, status=sent (250 Ok)`, 'taken', 'taken'],
    [`to=<a@big.example>, ${relay}, dsn=4.7.0, ${THROTTLED}`, 'slow', 'deferred'],
    [`to=<a@big.example>, relay=none, dsn=4.4.1, status=deferred (x)`, 'unclear', 'deferred'],
    // Fields in an address that was logged unquoted: nothing of it may count for anybody.
    [
      `to=<a@big.example>, ${relay}, dsn=4.7.0, ${THROTTLED}@far.test>, relay=x, status=sent (250 Ok)`,
      'unclear',
      'deferred',
    ],
    [
      `to=<a@big.example>, ${relay}, dsn=2.0.0, status=sent (Ok)@far.test>, relay=x, status=sent (250 Ok)`,
      undefined,
      'deferred',
    ],
  ];
  for (const [text, told, fate] of table) t.same(tells(text), [told, fate], text);
});
