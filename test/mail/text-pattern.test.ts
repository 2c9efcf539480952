import t from 'tap';
import { matches, parsePattern } from '../../src/mail/text-pattern.ts';

const table: readonly (readonly [pattern: string, text: string, does: boolean])[] = [
  ['bulk', 'bulk', true],
  ['bulk', 'bulky', false],
  ['BULK', 'bulk', true],
  [' bulk ', 'bulk', true],
  ['', '', true],
  ['*', '', true],
  ['*', 'anything', true],
  ['bulk*', 'bulky', true],
  ['bulk*', 'a bulk', false],
  ['*bulk', 'a bulk', true],
  ['*bulk', 'bulky', false],
  ['*bulk*', 'a bulky one', true],
  ['ab*ba', 'aba', false],
  ['ab*ba', 'abba', true],
  ['a*b*c', 'a-b-c', true],
  ['a*b*c', 'a-c-b', false],
  ['a*b*bc', 'abc', false],
  ['a*b*bc', 'abbc', true],
  ['a * b', 'a x b', true],
  ['a * b', 'axb', false],
  ['*ü*', 'zurück', true],
  ['\\*', '*', true],
  ['\\*', 'x', false],
  ['a\\\\b', 'a\\b', true],
  ['.*', 'abc', false],
];
for (const [source, text, does] of table) {
  const pattern = parsePattern(source);
  t.ok(pattern && matches(pattern, text) === does, `${source} ${does ? 'is' : 'is not'} ${text}`);
}

const cut = (source: string): boolean => matches(parsePattern(source)!, 'abc', true);

t.test('of what goes on only the beginning is known', async (t) => {
  t.same(
    [cut('abc'), cut('*c'), cut('a*'), cut('*b*'), cut('*')],
    [false, false, true, true, true],
  );
});

t.test('what is no pattern', async (t) => {
  for (const source of ['\\', 'a\\b', 'x'.repeat(201)]) t.equal(parsePattern(source), undefined);
});

t.test('no pattern takes long', async (t) => {
  const pattern = parsePattern('*a'.repeat(99))!;
  const startMs = performance.now();
  for (let i = 0; i < 1000; i++) matches(pattern, 'a'.repeat(98) + 'b'.repeat(900));
  t.ok(performance.now() - startMs < 3000, 'a thousand of the worst');
});
