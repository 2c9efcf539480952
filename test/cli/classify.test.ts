import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';

import { postpace } from './postpace.ts';

// Every run is a process of its own: a busy machine needs its time.
t.setTimeout(120_000);

const S3150 =
  "550 5.7.1 Unfortunately, messages from [192.0.2.25] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3150).";
const NAMED = {
  category: 'ip_blocked',
  group: 'blocked',
  provider: 'outlook',
  rule: 'outlook/s3150',
};

let folder = '';
let config: readonly string[] = [];
t.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'postpace-classify-'));
  const file = join(folder, 'postpace.yaml');
  await writeFile(file, 'own_addresses: [192.0.2.25]\n');
  config = ['--config', file];
});
t.teardown(() => rm(folder, { recursive: true }));

t.test('one reply, without a daemon', async (test) => {
  test.same(await postpace(['classify', S3150, ...config]), {
    exit: 0,
    out: `\
CATEGORY    GROUP    BLAMES  PROVIDER  RULE
ip_blocked  blocked  ours    outlook   outlook/s3150
`,
    err: '',
  });
});

t.test('--json is one object a line, in the order of the lines', async (test) => {
  const input = `${S3150}\r\n\n450 4.2.2 Mailbox full\nno idea`;
  const { exit, out } = await postpace(['classify', '-', '--json', ...config], {}, input);
  test.equal(exit, 0);
  test.equal(
    out,
    [
      { ...NAMED, blames: 'ours' },
      {
        category: 'mailbox_full',
        group: 'recipient',
        provider: null,
        rule: 'generic/mailbox-full',
        blames: 'unknown',
      },
      { category: 'other', group: 'weather', provider: null, rule: null, blames: 'unknown' },
    ]
      .map((each) => `${JSON.stringify(each)}\n`)
      .join(''),
  );
});

t.test('from standard input each reply stands under its line', async (test) => {
  const { out } = await postpace(
    ['classify', ...config],
    {},
    '550 \u001b[2J spam\n450 4.2.2 full\n',
  );
  test.equal(
    out,
    `\
CATEGORY      GROUP      BLAMES   PROVIDER  RULE
content       judged     unknown  -         generic/spam
  550 ?[2J spam
mailbox_full  recipient  unknown  -         codes/mailbox-full
  450 4.2.2 full
`,
  );
});

t.test('the recipient says whose rules come first', async (test) => {
  const denied = '550 Connection denied';
  const ruleFor = async (recipient: string): Promise<unknown> => {
    const args = ['classify', denied, '--json', '--recipient', recipient, ...config];
    const found: Record<string, unknown> = JSON.parse((await postpace(args)).out);
    return [found['rule'], found['provider']];
  };
  test.same(await ruleFor('jane@qq.com'), ['qq/connection-denied', 'qq']);
  test.same(await ruleFor('jane@example.org'), ['generic/client-refused', 'example.org']);
  test.same(await ruleFor('postmaster'), ['generic/client-refused', null]);
});

t.test('a line without an end is cut, nothing is nothing', async (test) => {
  const long = `550 Ip frequency limited ${'x'.repeat(300_000)}`;
  test.match(JSON.parse((await postpace(['classify', '--json', ...config], {}, long)).out), {
    rule: 'qq/frequency',
  });
  test.same(await postpace(['classify', ...config], {}, ''), { exit: 0, out: '', err: '' });
});

t.test('a configuration that is wrong is said', async (test) => {
  const file = join(folder, 'wrong.yaml');
  await writeFile(file, 'own_addresses: nine\n');
  const { exit, err } = await postpace(['classify', S3150, '--config', file]);
  test.equal(exit, 78);
  test.match(err, /own_addresses/);
});
