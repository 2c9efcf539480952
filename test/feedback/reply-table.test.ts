/** The table against the classifier, as Postfix itself reads it. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';

import { createClassifier } from '../../src/feedback/classify.ts';
import { readReply } from '../../src/feedback/reply.ts';
import { replyTable, type ReplyTableRequest } from '../../src/feedback/reply-table.ts';
import type { Rule } from '../../src/feedback/rule.ts';
import { loadRules } from '../../src/feedback/rule-files.ts';

t.setTimeout(120_000);

const rules = loadRules();
const { classify } = createClassifier(rules);
const folder = await mkdtemp(join(tmpdir(), 'postpace-table-'));
t.teardown(() => rm(folder, { recursive: true }));
await writeFile(join(folder, 'main.cf'), 'compatibility_level = 3.6\n');

/** What Postfix makes of each line: one postmap for all; absent: left as it is. */
async function filtered(
  request: ReplyTableRequest,
  lines: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const file = join(folder, `${request.provider}-${request.isStopped}`);
  await writeFile(file, replyTable(rules, request));
  const out = await new Promise<string>((resolve, reject) => {
    const child = execFile(
      '/usr/sbin/postmap',
      ['-c', folder, '-q', '-', `regexp:${file}`],
      (error, stdout, stderr) => {
        // Exit 1: none was found.
        if (stderr !== '' || (error !== null && error.code !== 1)) reject(new Error(stderr));
        else resolve(stdout);
      },
    );
    child.stdin?.end(`${lines.join('\n')}\n`);
  });
  const found = out.split('\n').map((line) => line.split('\t'));
  return new Map(found.map(([line = '', after = '']) => [line, after]));
}

/** Every sample that comes with 5xx, as a server says it. */
const samples = rules
  .map(({ sample }) => sample.replace(/^.*(?:said|talk to me): /, '').replace(/ \(in reply.*/, ''))
  .filter((sample) => /^5\d\d /.test(sample));

function isOwnRate(rule: Rule | undefined, provider: string): boolean {
  return rule?.isFinal === false && rule.providers.includes(provider);
}

t.test(
  'what is turned is what the classifier says, of every sample, at every provider',
  async (t) => {
    t.ok(samples.length > 100, `${samples.length} samples`);
    for (const provider of ['qq', 'gmail', 'outlook', 'orange', 'bluewin.ch', 'example.org']) {
      for (const isStopped of [false, true]) {
        const request = { provider, isStopped, notFinal: [] };
        const made = await filtered(request, samples);
        const wrong = samples.filter((sample) => {
          const { rule: id, group } = classify(sample, { provider });
          const rule = rules.find((each) => each.id === id);
          const isTurned = isOwnRate(rule, provider) || (isStopped && group === 'blocked');
          const after = made.get(sample) ?? sample;
          // A rule for one command of the dialogue is not known to the table.
          const isRight = rule?.stages.length !== 0 || after.startsWith('450 4.7.0 ') === isTurned;
          // Whatever was turned is read as what the provider said.
          const isSame = JSON.stringify(readReply(after)) === JSON.stringify(readReply(sample));
          return !isRight || !isSame || (!after.startsWith('450') && after !== sample);
        });
        t.same(wrong, [], `${provider} ${isStopped ? 'stopped' : 'open'}`);
      }
    }
  },
);

t.test('the last line alone is changed, and no reply but 5xx', async (t) => {
  const lines = [
    '550-Ip frequency limited. http://service.mail.qq.com/',
    '450 Ip frequency limited.',
    '250 Ip frequency limited',
    'Ip frequency limited',
    '550 sip frequency limited',
    '550 Mail content denied. http://service.mail.qq.com/detail/122/171',
    '550',
  ];
  const qq = { provider: 'qq', isStopped: false, notFinal: [] };
  for (const [line, after] of await filtered(qq, lines)) t.equal(after, line);
  const more = await filtered({ ...qq, notFinal: ['qq/content-denied'] }, [
    ...lines,
    '550 IP  Frequency LIMITED',
  ]);
  t.same(
    [...more.values()].filter((after) => after.startsWith('450')),
    [
      '450 4.7.0 [postpace 550] Mail content denied. http://service.mail.qq.com/detail/122/171',
      '450 4.7.0 [postpace 550] IP  Frequency LIMITED',
    ],
  );
});

t.test('of several lines the classifier reads the true code', async (t) => {
  const reply =
    'host a.qq.com[192.0.2.2] said: 550-Mail rejected 450 4.7.0 [postpace 550] Ip frequency limited (in reply to MAIL FROM command)';
  t.match(readReply(reply), {
    code: 550,
    status: undefined,
    text: '550-mail rejected ip frequency limited',
  });
  t.match(classify(reply, { provider: 'qq' }), { category: 'throttled', rule: 'qq/frequency' });
});
