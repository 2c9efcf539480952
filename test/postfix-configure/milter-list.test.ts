import t from 'tap';
import {
  milterElement,
  milterSocket,
  splitMilters,
  withOursLast,
  withoutOurs,
  type OurMilter,
} from '../../src/postfix/milter-list.ts';

const element = milterElement('unix:postpace/milter.sock');
const ours: OurMilter = {
  element,
  sockets: ['unix:postpace/milter.sock', 'unix:/var/spool/postfix/postpace/milter.sock'],
};
const parameters: Readonly<Record<string, string>> = {
  signers: 'inet:localhost:8891, { unix:/run/dkim.sock, default_action = accept }',
  smtpd_milters: `inet:a:1, ${element}`,
  early: `${element}, inet:a:1`,
};
const value = (name: string) => parameters[name];

t.test('a list is split at commas and white space outside braces', async (t) => {
  t.same(splitMilters(''), []);
  t.same(splitMilters('inet:a:1,inet:b:2\tunix:/c'), ['inet:a:1', 'inet:b:2', 'unix:/c']);
  t.same(splitMilters('{ unix:/a, b = { c, d } }, $e'), ['{ unix:/a, b = { c, d } }', '$e']);
  t.equal(milterSocket('{unix:/a,b=c}'), 'unix:/a');
  t.equal(milterSocket('{ inet:[::1]:25 }'), 'inet:[::1]:25');
  t.equal(milterSocket('inet:a:1'), 'inet:a:1');
});

t.test('ours becomes the last one, once', async (t) => {
  const rows: readonly (readonly [name: string, before: string, after: string])[] = [
    ['alone', '', element],
    ['after another', 'inet:a:1', `inet:a:1, ${element}`],
    ['after a reference', '$signers', `$signers, ${element}`],
    ['is last already', `inet:a:1,${element}`, `inet:a:1,${element}`],
    ['another was added behind it', `${element} inet:a:1`, `inet:a:1, ${element}`],
    ['twice', `${element}, inet:a:1, ${element}`, `inet:a:1, ${element}`],
    ['plain and by its absolute path', 'unix:/var/spool/postfix/postpace/milter.sock', element],
    ['comes along by reference', '$smtpd_milters', '$smtpd_milters'],
    ['braces of a reference', '${smtpd_milters}', '${smtpd_milters}'],
    ['reference, then another', '$smtpd_milters, inet:b:2', `inet:a:1, inet:b:2, ${element}`],
    ['reference, then ours again', `$smtpd_milters, ${element}`, `inet:a:1, ${element}`],
    ['reference with ours first', '$early', `inet:a:1, ${element}`],
  ];
  for (const [name, before, after] of rows) t.equal(withOursLast(before, ours, value), after, name);
});

t.test('ours is taken out and the rest keeps its order', async (t) => {
  t.equal(withoutOurs(`inet:a:1, ${element}, inet:b:2`, ours), 'inet:a:1, inet:b:2');
  t.equal(withoutOurs('inet:a:1 inet:b:2', ours), 'inet:a:1 inet:b:2', 'untouched text');
  t.equal(withoutOurs(element, ours), '');
});
