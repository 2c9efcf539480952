import { readFile } from 'node:fs/promises';
import t from 'tap';

import { readCommandLine } from '../../src/cli/command-line.ts';

const words = (text: string): readonly string[] => text.split(' ').filter((each) => each !== '');

t.test('usage errors: what was meant, where help is', async (test) => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['', /^Which verb\?\nTry: postpace --help$/],
    ['stauts', /^Unknown verb stauts\. Did you mean status\?\nTry: postpace --help$/],
    [
      'status --wacth',
      /Unknown option --wacth\. Did you mean --watch\?\nTry: postpace status --help/,
    ],
    ['status a b', /Unexpected: b\.\nTry: postpace status --help/],
    ['limits', /limits needs one of: show, set, reset, history/],
    ['limits shwo', /Unknown verb shwo\. Did you mean show\?\nTry: postpace limits --help/],
    ['limits set', /Not enough words: postpace limits set <provider>/],
    ['limits set utc --pin', /limits set needs --pace, --burst, --quota or --in-flight/],
    ['limits set utc --pace', /--pace needs a value\.\nTry: postpace limits set --help/],
    ['limits set utc --pace fast', /--pace: found "fast", expected a rate such as 20\/min/],
    ['limits set utc --quota 1/h --quota 300', /--quota: found "300", expected a rate/],
    ['limits set utc --pin --for soon', /--for: found "soon", expected a duration such as 90s/],
    ['suspend utc --for 5', /--for: found "5", expected a duration/],
    ['pass utc --for later', /--for: found "later", expected a duration/],
    ['limits set utc --burst 0', /--burst takes a whole number of at least 1, not "0"/],
    ['limits set utc --in-flight 1.5', /--in-flight takes a whole number/],
    ['limits set utc --pace 1/s --pace 2/s', /--pace is given twice/],
    ['limits history --most x', /--most takes a whole number/],
    ['suspend', /Not enough words: postpace suspend <provider>/],
    ['pass --all', /Missing: --for/],
    ['pass --for 1h', /pass takes either a provider or --all/],
    ['pass utc --all --for 1h', /pass takes either a provider or --all/],
    ['held adopt', /Not enough words: postpace held adopt <ids\.\.>/],
    ['held release', /Which messages\? Name queue ids, --provider or --sender/],
    ['explain', /Not enough words: postpace explain <query>/],
    ['held delete', /Which messages\?/],
    ['reload now', /Unexpected: now\./],
    ['classify -- -x', /Unexpected behind --: -x\./],
  ];
  for (const [line, expected] of cases) {
    const asked = await readCommandLine(words(line), 80);
    test.match(asked, { kind: 'usage', message: expected }, line);
  }
});

t.test('what is right is run', async (test) => {
  const cases = [
    'status --watch --json',
    'limits set utc --quota 300/h --quota 1500/day --control /x',
    'held list 0123456789 1E2345 --provider utc',
    '--json limits show',
    'suspend status',
    'suspend --json -- utc',
    'explain -- a@utc.fr',
  ];
  for (const line of cases) {
    test.match(await readCommandLine(words(line), 80), { kind: 'run' }, line);
  }
});

t.test('--help is text, also where something else is wrong or missing', async (test) => {
  for (const line of [
    '--help',
    'limits --help',
    'limits set --help',
    'pass -h',
    'held delete -h',
  ]) {
    const asked = await readCommandLine(words(line), 80);
    test.match(asked, { kind: 'text', text: /General options:/ }, line);
  }
  test.match(await readCommandLine(['limits', 'set', '--help'], 80), {
    text: /--in-flight[^]*Examples:\n {2}postpace limits set utc --pace 10\/min/,
  });
});

t.test('the manual names every verb and option', async (test) => {
  const manual = await readFile('docs/cli.md', 'utf8');
  const verbs = commands(await helpOf(''));
  test.ok(verbs.length >= 9, verbs.join(', '));
  const groups = verbs.filter((each) => ['limits', 'held', 'config', 'postfix'].includes(each));
  const all = verbs.filter((each) => !groups.includes(each));
  for (const each of groups) all.push(...commands(await helpOf(each)));
  const helps: string[] = [];
  for (const each of all) {
    test.ok(manual.includes(`postpace ${each}`), `postpace ${each}`);
    helps.push(await helpOf(each));
  }
  const options = new Set(helps.flatMap((text) => text.match(/(?<=^ .*?)--[a-z][a-z-]+/gm) ?? []));
  for (const each of options) test.ok(manual.includes(each), each);
  for (const exit of [0, 1, 2, 69, 78]) test.match(manual, new RegExp(`\\| ${exit} \\|`));
});

/** The verbs in the help text's list: `limits set`, without their arguments. */
function commands(help: string): readonly string[] {
  return [...help.matchAll(/^ {2}postpace ([a-z]+(?: [a-z]+)*)/gm)]
    .map((each) => each[1] ?? '')
    .filter((each, at, list) => list.indexOf(each) === at);
}

async function helpOf(verbs: string): Promise<string> {
  const asked = await readCommandLine([...words(verbs), '--help'], 80);
  return asked.kind === 'text' ? asked.text : '';
}
