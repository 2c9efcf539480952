import t from 'tap';

import { served, type Served } from './postpace.ts';

let fake: Served;
t.before(async () => {
  fake = await served();
});
t.teardown(() => fake.close());

t.test('explain prints its sentences', async (test) => {
  test.equal(
    (await fake.run('explain', 'jane@etu.utc.fr')).out,
    `\
jane@etu.utc.fr belongs to utc: listed domain etu.utc.fr.
It waits for the pace of 20/min, behind 456 others of the lane default, and is
expected to leave at 15:14.
`,
  );
  test.same(fake.daemon.asked.at(-1), ['explain', 'jane@etu.utc.fr']);
});

t.test('--json has what they are made of', async (test) => {
  test.match(JSON.parse((await fake.run('explain', '用户@例え.jp', '--json')).out), {
    query: '用户@例え.jp',
    provider: { provider: 'utc' },
    because: 'listed domain etu.utc.fr',
    message: null,
  });
});

t.test('a queue id of digits stays a text', async (test) => {
  await fake.run('explain', '1E2345');
  test.same(fake.daemon.asked.at(-1), ['explain', '1E2345']);
});
