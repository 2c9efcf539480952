import * as fc from 'fast-check';
import t from 'tap';
import { HEADER_BYTES, headerText } from '../../src/mail/header-text.ts';

const text = (value: string | Buffer): string => headerText(Buffer.from(value)).text;

const table: readonly (readonly [name: string, value: string | Buffer, text: string])[] = [
  ['plain', 'Bulk', 'bulk'],
  ['blanks around it and in it', '  a \t b  ', 'a b'],
  ['folded', 'one\n two\r\n\tthree', 'one two three'],
  ['empty', '', ''],
  ['UTF-8', 'Zurück', 'zurück'],
  ['bytes that are not UTF-8', Buffer.from('Zur\xfcck', 'latin1'), 'zurück'],
  ['decomposed letters', 'Zuru\u0308ck', 'zurück'],
  ['Q', '=?iso-8859-1?Q?Zur=FCck_an_Alle?=', 'zurück an alle'],
  ['B', '=?UTF-8?B?WnVyw7xjaw==?=', 'zurück'],
  ['in the middle', 'Re: =?utf-8?q?Gr=C3=BC=C3=9Fe?= an alle', 're: grüße an alle'],
  ['white space between two words is none', '=?utf-8?q?a?=\n =?utf-8?q?b?= c', 'ab c'],
  ['a character over two words', '=?utf-8?q?=C3?= =?utf-8?q?=BC?=', 'ü'],
  ['two charsets', '=?iso-8859-1?q?=FC?= =?utf-8?q?=C3=BC?=', 'üü'],
  ['a language', '=?us-ascii*en?q?hello?=', 'hello'],
  ['a charset nobody knows', '=?x-none?q?a_b?= c', '=?x-none?q?a_b?= c'],
  ['two words of one', '=?x-none?q?a?= =?x-none?q?b?=', '=?x-none?q?a?= =?x-none?q?b?='],
  ['not closed', '=?utf-8?q?abc', '=?utf-8?q?abc'],
];
for (const [name, value, expected] of table) t.equal(text(value), expected, name);

t.test('of a long value the beginning', async (t) => {
  const long = headerText(Buffer.from('a'.repeat(5000)));
  t.same([long.text.length, long.isCut], [HEADER_BYTES, true]);
  t.notOk(headerText(Buffer.from('a'.repeat(HEADER_BYTES))).isCut);
  const cut = headerText(Buffer.from(`${'a'.repeat(HEADER_BYTES - 1)}ü`));
  t.equal(
    cut.text,
    `${'a'.repeat(HEADER_BYTES - 1)}\uFFFD`,
    'a character cut in two harms no other',
  );
});

t.test('any bytes are a text, soon', async (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), (bytes) => {
      headerText(bytes);
    }),
    { numRuns: 300 },
  );
  const hard = ['=?', '=?a?q?', '=?a?q?b?=', '?=', ' \n', '=?a?b?=?'].map((piece) =>
    Buffer.from(piece.repeat(10_000)),
  );
  const startMs = performance.now();
  for (const value of hard) for (let i = 0; i < 100; i++) headerText(value);
  t.ok(performance.now() - startMs < 6000, '600 of the worst');
});
