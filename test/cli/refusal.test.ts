import t from 'tap';

import { explainRefusal } from '../../src/cli/refusal.ts';

const TOP = `postpace VERB

Commands:
  postpace serve              Run the daemon
  postpace status [provider]  Limits
  postpace limits             Show and change

General options:
      --json     Print JSON
      --control  The socket
  -h, --help     Show help
`;

const SET = `postpace limits set <provider>

Positionals:
  provider  Its exact id

Options:
      --in-flight  Messages
      --json       Print JSON
`;

t.test('what was probably meant', async (test) => {
  const cases: readonly (readonly [string, string[], string, string])[] = [
    ['Unknown argument: stauts', ['stauts'], TOP, 'Unknown verb stauts. Did you mean status?'],
    ['Unknown argument: quux', ['quux'], TOP, 'Unknown verb quux.'],
    ['Unknown argument: jsno', ['--jsno'], TOP, 'Unknown option --jsno. Did you mean --json?'],
    ['Unknown argument: jsno', ['--jsno=1'], TOP, 'Unknown option --jsno. Did you mean --json?'],
    ['Unknown argument: x', ['-x'], TOP, 'Unknown option -x.'],
    [
      'Unknown arguments: inflight, limts',
      ['limts', '--inflight', '3'],
      SET,
      'Unknown option --inflight. Did you mean --in-flight? Unexpected: limts.',
    ],
    ['Missing required argument: for', [], SET, 'Missing: --for'],
    ['Missing required arguments: for, pace', [], SET, 'Missing: --for, --pace'],
    ['Not enough arguments following: pace', [], SET, '--pace needs a value.'],
    [
      'Not enough non-option arguments: got 0, need at least 1',
      [],
      SET,
      'Not enough words: postpace limits set <provider>',
    ],
    ['Which verb?', [], TOP, 'Which verb?'],
  ];
  for (const [message, argv, help, expected] of cases) {
    const [first] = explainRefusal(message, argv, help).split('\n');
    test.equal(first, expected);
  }
});

t.test('where help is', async (test) => {
  test.match(explainRefusal('x', [], TOP), /\nTry: postpace --help$/);
  test.match(explainRefusal('x', [], SET), /\nTry: postpace limits set --help$/);
});
