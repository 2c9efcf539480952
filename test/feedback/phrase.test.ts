import t from 'tap';

import { createAutomaton } from '../../src/feedback/automaton.ts';
import { parsePhrase } from '../../src/feedback/phrase.ts';

function finds(written: string, text: string): boolean {
  const found: number[] = [];
  createAutomaton([parsePhrase(written)]).find(text, found);
  return found.length > 0;
}

t.test('a phrase and the texts that it is in', async (test) => {
  const table: readonly (readonly [phrase: string, text: string, is: boolean])[] = [
    ['rate limit', 'a rate limit here', true],
    ['Rate Limit', 'rate limit', true],
    ['rate limit', 'a separate limit', false],
    ['rate', 'separate', false],
    ['rate', 'rates', false],
    ['rate*', 'rates', true],
    ['*rate', 'separate', true],
    ['*limit*', 'unlimited', true],
    ['(s3150)', 'list(s3150).', true],
    ['ofr*', 'ofr005_104', true],
    ['5.7.1', '5.7.13', false],
    ['{mailbox|account} is full', 'the account is full', true],
    ['{mailbox|account} is full', 'the disk is full', false],
    ['a{b|c}{d|e}', 'x ace x', true],
    ['exceeded ... per hour', 'exceeded 20 messages per hour', true],
    ['exceeded ... per hour', 'per hour exceeded', false],
    ['exceeded ... per hour', 'exceededper hour', false],
    ['ab ... ab', 'ab', false],
    ['ab ... ab', 'ab ab', true],
    ['ab ... ab ... ab', 'ab ab', false],
    ['{list|listed} ... {at|by}', 'listed by', true],
    ['too many ... many connections', 'too many connections', false],
    ['too many ... many connections', 'too many many connections', true],
  ];
  for (const [phrase, text, is] of table)
    test.equal(finds(phrase, text), is, `${phrase} | ${text}`);
});

t.test('many phrases are found together, each once', async (test) => {
  const phrases = ['spam', 'spam detected', 'detected', 'spam ... spam', 'ham'].map(parsePhrase);
  const automaton = createAutomaton(phrases);
  for (const times of [1, 2, 3]) {
    const found: number[] = [];
    automaton.find('spam detected: spam spam spam', found);
    test.same(
      found.toSorted((a, b) => a - b),
      [0, 1, 2, 3],
      `round ${times}`,
    );
  }
});

t.test('agrees with a plain search', async (test) => {
  const words = ['ab', 'abc', 'bc', 'c a', 'b', 'ca b'];
  const segments = words.filter((word) => word.length > 1);
  const automaton = createAutomaton(segments.map((word) => parsePhrase(`*${word}*`)));
  let seed = 1;
  const random = (below: number): number => {
    seed = (seed * 48271) % 2147483647;
    return seed % below;
  };
  for (let round = 0; round < 500; round += 1) {
    const text = Array.from({ length: 12 }, () => 'abc '[random(4)]).join('');
    const found: number[] = [];
    automaton.find(text, found);
    const expected = segments.flatMap((word, at) => (text.includes(word) ? [at] : []));
    test.same(
      found.toSorted((a, b) => a - b),
      expected,
      JSON.stringify(text),
    );
  }
});

t.test('what is no phrase is refused', async (test) => {
  for (const written of [
    '',
    'x',
    '*',
    'a  b',
    'a*b',
    'é',
    '{a',
    'a}',
    '{}',
    'ab ... ',
    '{a|b}'.repeat(9),
  ]) {
    test.throws(() => parsePhrase(written), SyntaxError, written);
  }
  test.throws(() => parsePhrase(Array(9).fill('ab').join(' ... ')), SyntaxError);
});
