/**
 * Strangers write replies. Time must grow with the length of the text and with nothing else: shown by
 * counting what one character can cost, not by a clock.
 */
import * as fc from 'fast-check';
import t from 'tap';

import { CATEGORIES, GROUPS } from '../../src/feedback/category.ts';
import { createClassifier } from '../../src/feedback/classify.ts';
import { MOST_CHARACTERS } from '../../src/feedback/reply.ts';
import { loadRules } from '../../src/feedback/rule-files.ts';

const rules = loadRules();
const classifier = createClassifier(rules);

t.test('a character costs one step of the table and a few looks, at the worst', async (test) => {
  test.ok(classifier.mostPerCharacter > 0);
  test.ok(classifier.mostPerCharacter <= 40, `${classifier.mostPerCharacter} looks`);
});

t.test('what comes after the bound has no say', async (test) => {
  const long = `550 ${'x '.repeat(MOST_CHARACTERS)}Ip frequency limited`;
  test.equal(classifier.classify(long).rule, 'codes/recipient-refused');
  test.equal(classifier.classify(`550 Ip frequency limited ${long}`).rule, 'qq/frequency');
});

t.test('every text is classified, and the same one the same', async (test) => {
  const pieces = rules.flatMap(({ sample }) => sample.split(' '));
  const reply = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 3000 }),
    fc
      .array(fc.constantFrom(...pieces, '@', '550-', '[', '...', '*', '\n'), { maxLength: 300 })
      .map((words) => words.join(' ')),
  );
  fc.assert(
    fc.property(reply, (text) => {
      const once = classifier.classify(text, { provider: 'qq', ownAddresses: ['192.0.2.1'] });
      const again = classifier.classify(text, { provider: 'qq', ownAddresses: ['192.0.2.1'] });
      test.equal(JSON.stringify(once), JSON.stringify(again));
      if (!CATEGORIES.includes(once.category) || !GROUPS.includes(once.group)) return false;
      return ['ours', 'intermediary', 'unknown'].includes(once.blames);
    }),
    { numRuns: 300 },
  );
});

t.test('long runs of what the rules look for', async (test) => {
  const dear = [
    'spam ',
    'a@',
    '550-',
    '(in reply to ',
    '1.2.3.4.',
    'exceeded ',
    '[postpace 550] ',
    '4.7.1',
  ];
  for (const text of dear) {
    const found = classifier.classify(text.repeat(1e6 / text.length));
    test.ok(CATEGORIES.includes(found.category), text);
  }
});
