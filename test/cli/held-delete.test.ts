import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';

import { fakeDaemon, heldMessage } from '../control/fake-daemon.ts';
import { ENV, MAIN, postpace, served, type Ran, type Served } from './postpace.ts';

// Every run is a process of its own: a busy machine needs its time.
t.setTimeout(120_000);

interface Deleting extends Served {
  readonly remove: (...args: readonly string[]) => Promise<Ran>;
  /** Arguments and standard input of the postsuper that ran; undefined: none did. */
  readonly postsuper: () => Promise<string | undefined>;
}

/** A fake daemon, and a fake postsuper on the PATH that writes down what it is given. */
async function deleting(test: Test, script: string, daemon = fakeDaemon()): Promise<Deleting> {
  const fake = await served(daemon);
  test.teardown(() => fake.close());
  const record = join(fake.directory, 'record');
  const tool = join(fake.directory, 'postsuper');
  await writeFile(tool, `#!/bin/sh\nexec 3>"${record}"\necho "$@" >&3\n${script}\n`);
  await chmod(tool, 0o755);
  const env = { PATH: `${fake.directory}:${ENV['PATH']}` };
  return {
    ...fake,
    remove: (...args) => postpace(['held', 'delete', ...args, '--control', fake.socket], env),
    postsuper: () => readFile(record, 'utf8').catch(() => undefined),
  };
}

/** As postsuper answers: a line an id on standard error, then the total; always exit 0. */
const REMOVES_ALL = `
while read id; do echo "$id" >&3; echo "postsuper: $id: removed" >&2; done
echo "postsuper: Deleted: some messages" >&2`;

const ARGUMENTS = '-c /nonexistent/postfix -d - hold\n';

t.test('by id: says what, runs postsuper, has the daemon look at the queue', async (test) => {
  const fake = await deleting(test, REMOVES_ALL);
  const ran = await fake.remove('4cRxYz1abcz001', '4cRxYz1abcz003', '--yes');
  test.same(ran, {
    exit: 0,
    out: '2 messages deleted.\n',
    err: `\
This deletes 2 messages from the hold queue of /nonexistent/postfix for good. Nobody gets a bounce.
ID                 AGE  FROM                TO                  PROVIDER  LEAVES
4cRxYz1abcz001  34 min  mattermost@exampl…  student1@etu.utc.…  utc       now
  transactional; pace 20/min of utc
4cRxYz1abcz003  34 min  <>                  student3@etu.utc.…  utc       15:03
  default; pace 20/min of utc
`,
  });
  test.equal(await fake.postsuper(), `${ARGUMENTS}4cRxYz1abcz001\n4cRxYz1abcz003\n`);
  test.same(fake.daemon.asked.at(-1), ['reconcile']);
});

t.test('by provider and sender: only what is ours', async (test) => {
  const fake = await deleting(test, REMOVES_ALL);
  const ran = await fake.remove('--provider', 'utc', '--yes', '--json');
  test.equal(ran.exit, 0);
  const ids = ['4cRxYz1abcz001', '4cRxYz1abcz002', '4cRxYz1abcz003'];
  test.same(JSON.parse(ran.out), { done: ids, failed: [] });
  test.equal(await fake.postsuper(), `${ARGUMENTS}${ids.join('\n')}\n`);
});

t.test('a foreign hold by its id, and said so', async (test) => {
  const fake = await deleting(test, REMOVES_ALL);
  const ran = await fake.remove('4cRxYz1abcz004', '--yes');
  test.equal(ran.exit, 0);
  test.match(ran.err, /^Not held by postpace: 4cRxYz1abcz004$/m);
  test.equal(await fake.postsuper(), `${ARGUMENTS}4cRxYz1abcz004\n`);
});

t.test('an id that the daemon does not list never reaches postsuper', async (test) => {
  const fake = await deleting(test, REMOVES_ALL);
  const some = await fake.remove('4cRxYz1abcz001', '4cRxYz1abcz999', '--yes');
  test.equal(some.exit, 1, 'not all that was asked for');
  test.match(some.err, /^postpace: 4cRxYz1abcz999 is not held\.$/m);
  test.equal(await fake.postsuper(), `${ARGUMENTS}4cRxYz1abcz001\n`);
  await rm(join(fake.directory, 'record'));
  const none = await fake.remove('4cRxYz1abcz999', '--yes');
  test.equal(none.exit, 1);
  test.match(none.err, /Nothing was deleted/);
  const all = await fake.remove('ALL', '--yes');
  test.equal(all.exit, 1);
  test.equal(await fake.postsuper(), undefined);
});

t.test('without --yes and without a terminal it only says what it would do', async (test) => {
  const fake = await deleting(test, REMOVES_ALL);
  const ran = await fake.remove('4cRxYz1abcz001');
  test.equal(ran.exit, 2);
  test.match(ran.err, /This deletes 1 message from/);
  test.match(ran.err, /Nobody can be asked here\. Nothing was deleted\. Add --yes\./);
  test.equal(await fake.postsuper(), undefined);
});

t.test('on a terminal it asks', async (test) => {
  const fake = await deleting(test, REMOVES_ALL);
  for (const [answer, exit] of [
    ['n', 1],
    ['', 1],
    ['y', 0],
  ] as const) {
    const command = `exec ${process.execPath} ${MAIN} held delete 4cRxYz1abcz001 --control ${fake.socket}`;
    const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
      env: { ...ENV, PATH: `${fake.directory}:${ENV['PATH']}`, TERM: 'dumb', SHELL: '/bin/sh' },
    });
    let out = '';
    let answered = false;
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      out += chunk;
      if (!answered && out.includes('Delete 1 message? [y/N]')) {
        answered = true;
        child.stdin.write(`${answer}\r`);
      }
    });
    const [got] = await once(child, 'close');
    test.equal(got, exit, `answer ${JSON.stringify(answer)}`);
    test.match(out, exit === 0 ? /1 message deleted\./ : /Nothing was deleted\./);
    test.equal((await fake.postsuper()) === undefined, exit !== 0);
  }
});

t.test('what postsuper does not confirm is not called deleted', async (test) => {
  const fake = await deleting(
    test,
    'read id; echo "postsuper: $id: removed" >&2; cat >/dev/null; exit 0',
  );
  const ran = await fake.remove('4cRxYz1abcz001', '4cRxYz1abcz002', '--yes', '--json');
  test.equal(ran.exit, 1);
  test.same(JSON.parse(ran.out), {
    done: ['4cRxYz1abcz001'],
    failed: [{ queueId: '4cRxYz1abcz002', why: 'not deleted: no longer in the hold queue' }],
  });
});

t.test('a postsuper that fails', async (test) => {
  const fake = await deleting(test, 'echo "postsuper: fatal: no such queue" >&2; exit 75');
  const ran = await fake.remove('4cRxYz1abcz001', '--yes');
  test.equal(ran.exit, 1);
  test.match(ran.err, /postsuper failed with status 75 after 0 of 1: postsuper: fatal: no such/);
});

t.test('more messages than a plan lists', async (test) => {
  const many = Array.from({ length: 100 }, (_, n) => heldMessage(n));
  const fake = await deleting(test, REMOVES_ALL, fakeDaemon(many));
  const ran = await fake.remove('--sender', 'mattermost@example.org', '--yes');
  test.equal(ran.out, '100 messages deleted.\n');
  test.match(ran.err, /^… and 80 more$/m);
  test.equal((await fake.postsuper())?.trim().split('\n').length, 101);
});

t.test('who is not root is told so, and nothing happens', async (test) => {
  const fake = await deleting(test, REMOVES_ALL);
  const asked = fake.daemon.asked.length;
  // Root's files need not be readable to others: the process gives its rights up once it has begun.
  const dropped = `${ENV['NODE_OPTIONS']};process.getuid=()=>65534`;
  const ran = await postpace(
    ['held', 'delete', '4cRxYz1abcz001', '--yes', '--control', fake.socket],
    { NODE_OPTIONS: dropped },
  );
  test.equal(ran.exit, 1);
  test.match(ran.err, /Deleting needs root.*Nothing was deleted.*sudo/);
  test.equal(fake.daemon.asked.length, asked);
  test.equal(await fake.postsuper(), undefined);
});

t.test('by the id that the application saw', async (test) => {
  const daemon = fakeDaemon();
  const split = [heldMessage(7), heldMessage(8)];
  const fake = await deleting(test, REMOVES_ALL, { ...daemon, held: async () => split });
  const ran = await fake.remove('4cRxYzOriginal', '--yes');
  test.equal(ran.exit, 0);
  test.equal(await fake.postsuper(), `${ARGUMENTS}4cRxYz1abcz007\n4cRxYz1abcz008\n`);
});
