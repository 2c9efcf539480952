import t from 'tap';

import { displayWidth } from '../../src/cli/width.ts';
import { fakeDaemon, HELD, heldMessage } from '../control/fake-daemon.ts';
import { postpace, served, type Served } from './postpace.ts';

// Every run is a process of its own: a busy machine needs its time.
t.setTimeout(120_000);

let fake: Served;
t.before(async () => {
  fake = await served();
});
t.teardown(() => fake.close());

t.test('held list at 80 columns', async (test) => {
  test.equal(
    (await fake.run('held', 'list')).out,
    `\
ID                 AGE  FROM              TO                PROVIDER   LEAVES
4cRxYz1abcz001  34 min  mattermost@exam…  student1@etu.ut…  utc        now
  transactional; pace 20/min of utc
4cRxYz1abcz002  34 min  mattermost@exam…  a@utc.fr +2       utc+gmail  14:51
  default; pace 20/min of utc
4cRxYz1abcz003  34 min  <>                student3@etu.ut…  utc        15:03
  default; pace 20/min of utc
4cRxYz1abcz004  34 min  mattermost@exam…  student4@etu.ut…  utc        foreign
  header rule
4cRxYz1abcz005  34 min  mattermost@exam…  student5@etu.ut…  utc        unclaimed
`,
  );
});

t.test('held list into a pipe: one line a message, nothing cut', async (test) => {
  const { out } = await postpace(['held', 'list', '--control', fake.socket], { COLUMNS: '' });
  test.equal(out.trimEnd().split('\n').length, 1 + HELD.length);
  test.match(
    out,
    /^4cRxYz1abcz001 {2}34 min {2}mattermost@example\.org {2}student1@etu\.utc\.fr .* transactional {2}pace 20\/min of utc$/m,
  );
});

t.test('held list by id, provider and sender', async (test) => {
  const words = ['held', 'list', '0123456789', '--provider', 'utc', '--sender', '<>', '1E2345'];
  const none = await fake.run(...words);
  test.same(none, { exit: 0, out: 'Nothing is held.\n', err: '' });
  const selection = { ids: ['0123456789', '1E2345'], provider: 'utc', sender: '' };
  test.same(fake.daemon.asked.at(-1), ['held', selection]);
  const json = await fake.run('held', 'list', '--sender', '<>', '--json');
  test.same(JSON.parse(json.out), [HELD[2]]);
});

t.test('100 messages with wide addresses stay inside 80 columns', async (test) => {
  const wide = Array.from({ length: 100 }, (_, n) =>
    heldMessage(n, {
      sender: `差出人${n}@例え.jp`,
      recipients: [`用户${'用'.repeat(n % 30)}@邮件.中国`, 'b@c.org'],
      providers: ['destination.example-with-a-rather-long-name.org'],
      why: '보낸 사람이 너무 많습니다: pace 20/min of destination.example-with-a-rather-long-name.org',
    }),
  );
  const other = await served(fakeDaemon(wide));
  test.teardown(() => other.close());
  const { out } = await other.run('held', 'list');
  const lines = out.trimEnd().split('\n');
  test.equal(lines.filter((line) => line.startsWith('4cRxYz1abcz')).length, 100);
  for (const line of lines) test.ok(displayWidth(line) <= 80, line);
  const rows = lines.filter((line) => line.startsWith('4cRxYz1abcz'));
  const columns = rows.map((line) => displayWidth(line.slice(0, line.lastIndexOf('  '))));
  test.equal(new Set(columns.map((width) => width <= 80)).size, 1);
  test.ok(
    rows.every((row) => / (14|15):\d\d$/.test(row) || row.endsWith(' now')),
    'LEAVES is whole',
  );
});

t.test('held show', async (test) => {
  test.equal(
    (await fake.run('held', 'show', '7F3A21B0C4')).out,
    `\
id        4cRxYz1abcz003
before    7F3A21B0C4
held by   postpace
from      <>
to        student3@etu.utc.fr
provider  utc
lane      default
arrived   14:17 (34 min ago)
held      14:17 (34 min ago)
why       pace 20/min of utc
leaves    15:03 (in 12 min)
at most   until Nov 25 20:51 (in 1 d 6 h)
deferred  2 times
`,
    'also by an id that Postfix has changed',
  );
  test.match(
    (await fake.run('held', 'show', '4cRxYz1abcz004')).out,
    /^held by {3}something else \(a header or access rule/m,
  );
  test.match(
    (await fake.run('held', 'show', '4cRxYz1abcz005')).out,
    /^held by {3}unknown, no log/m,
  );
  const json = await fake.run('held', 'show', '4cRxYz1abcz001', '--json');
  test.same(JSON.parse(json.out), HELD[0]);
  test.same(await fake.run('held', 'show', '4cRxYz1abcz999'), {
    exit: 1,
    out: '',
    err: 'postpace: 4cRxYz1abcz999 is not held.\n',
  });
});

t.test('its provider takes nothing: when it is asked next', async (test) => {
  const { leavesAt } = HELD[2]!;
  const stopped = heldMessage(3, { leavesAt: null, notBefore: leavesAt });
  const other = await served({ ...fakeDaemon(), held: async () => [stopped] });
  test.teardown(() => other.close());
  test.match((await other.run('held', 'list')).out, /utc +after 15:03$/m);
  test.match(
    (await other.run('held', 'show', stopped.queueId)).out,
    /^leaves {4}when its provider takes mail again, not before 15:03 \(in 12 min\)$/m,
  );
});

t.test('held release', async (test) => {
  test.same(await fake.run('held', 'release', '--provider', 'utc'), {
    exit: 0,
    out: '2 messages released.\n',
    err: '',
  });
  test.same(fake.daemon.asked.at(-1), ['releaseHeld', { provider: 'utc' }, 'jane']);
  test.same(await fake.run('held', 'release', '4cRxYz1abcz004'), {
    exit: 1,
    out: '0 messages released.\n',
    err: 'postpace: 4cRxYz1abcz004: held by something else, not by postpace\n',
  });
  const json = await fake.run('held', 'release', '4cRxYz1abcz001', '4cRxYz1abcz002', '--json');
  const ids = ['4cRxYz1abcz001', '4cRxYz1abcz002'];
  test.same(JSON.parse(json.out), { done: ids, failed: [] });
  test.same(fake.daemon.asked.at(-1), ['releaseHeld', { ids }, 'jane']);
});

t.test('held adopt', async (test) => {
  test.equal((await fake.run('held', 'adopt', '4cRxYz1abcz005')).out, '1 message adopted.\n');
  test.same(fake.daemon.asked.at(-1), ['adoptHeld', ['4cRxYz1abcz005'], 'jane']);
  const bad = await fake.run('held', 'adopt', 'ALL');
  test.equal(bad.exit, 1);
  test.match(bad.err, /not a queue id/);
});
