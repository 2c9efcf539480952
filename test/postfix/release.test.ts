import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { burst } from '../../lab/client.ts';
import { startPostfix, type PrivatePostfix } from '../../lab/postfix.ts';
import { startSink, type Sink } from '../../lab/sink.ts';
import { refuse } from '../../lab/rules.ts';
import { waitFor } from '../../lab/wait.ts';
import type { Helper } from '../../src/postfix/helper-channel.ts';
import { PostfixQueue } from '../../src/postfix/queue.ts';
import { PostfixReleaser, type ReleaserSettings } from '../../src/postfix/release.ts';

// On a busy machine a process of Postfix takes its time.
t.setTimeout(180_000);

/** An instance that holds everything, and the sink behind it. */
async function lab(): Promise<{ readonly postfix: PrivatePostfix; readonly sink: Sink }> {
  const sink = await startSink();
  const postfix = await startPostfix({
    main: {
      smtpd_sender_restrictions: 'check_sender_access static:HOLD',
      // Nothing but our wake-up may deliver.
      queue_run_delay: '600s',
    },
    routes: { '*': sink.port },
  });
  return { postfix, sink };
}

function superuser(postfix: PrivatePostfix, ...argv: readonly string[]): Helper {
  return { kind: 'command', argv: ['postsuper', '-c', postfix.configDirectory, ...argv] };
}

function settings(
  postfix: PrivatePostfix,
  change: Partial<ReleaserSettings> = {},
): ReleaserSettings {
  return {
    configDirectory: postfix.configDirectory,
    queueDirectory: postfix.queueDirectory,
    deferred: () => 0,
    release: superuser(postfix, '-H', '-'),
    hold: superuser(postfix, '-h', '-', 'deferred'),
    expire: superuser(postfix, '-f', '-'),
    onLate: (error) => t.fail(`released mail was not woken: ${error.message}`),
    ...change,
  };
}

async function held(postfix: PrivatePostfix, mails: number): Promise<readonly string[]> {
  const sent = await burst({
    port: postfix.port,
    mails,
    from: 'app@lab.test',
    to: (index) => `r${index}@far.test`,
  });
  const ids = sent.map((one) => one.queueId ?? '');
  await waitFor(async () => {
    const queue = await postfix.postqueue();
    return queue.filter((entry) => entry.queue_name === 'hold').length >= mails;
  });
  return ids;
}

async function inQueue(queue: PostfixQueue, name: string): Promise<readonly string[]> {
  const found = [];
  for await (const entry of queue.list()) if (entry.queue === name) found.push(entry.queueId);
  return found.toSorted();
}

const fresh = (queueId: string) => ({ queueId, wasDeferred: false });

await t.test('release, hold and expire on a real Postfix', async (t) => {
  const { postfix, sink } = await lab();
  const queue = new PostfixQueue(postfix.configDirectory);
  const releaser = new PostfixReleaser(settings(postfix));
  t.teardown(async () => {
    await releaser.close();
    await postfix.stop();
    await sink.close();
  });

  await t.test('a batch is confirmed line by line and leaves at once', async (t) => {
    const ids = await held(postfix, 30);
    const outcome = await releaser.release(ids.map(fresh));
    t.same([...outcome.confirmed].toSorted(), [...ids].toSorted());
    t.same(outcome.unconfirmed, []);
    await waitFor(() => sink.deliveries.length === 30);
  });

  await t.test('calls made at once share batches, and each gets its own answer', async (t) => {
    const ids = await held(postfix, 12);
    const outcomes = await Promise.all(ids.map((id) => releaser.release([fresh(id)])));
    t.same(
      outcomes.map((outcome) => outcome.confirmed),
      ids.map((id) => [id]),
    );
    await waitFor(() => sink.deliveries.length === 42);
  });

  await t.test('what is not held, and what is no queue id, stays unconfirmed', async (t) => {
    const [id = ''] = await held(postfix, 1);
    const odd = ['4zNoSuchMail0000', '../../etc', '-r ALL', 'ALL', id];
    const outcome = await releaser.release(odd.map(fresh));
    t.same(outcome.confirmed, [id]);
    t.same([...outcome.unconfirmed].toSorted(), odd.slice(0, 4).toSorted());
    await waitFor(() => sink.deliveries.length === 43);
    t.notMatch(await postfix.log(), /invalid mail queue id/);
  });

  await t.test(
    'deferred mail goes back to hold, and leaves again when it is released',
    async (t) => {
      sink.rule = refuse('rcpt', '451 4.7.1 slow down');
      const ids = await held(postfix, 3);
      await releaser.release(ids.map(fresh));
      await waitFor(async () => (await inQueue(queue, 'deferred')).length === 3);
      const outcome = await releaser.hold(ids);
      t.same([...outcome.confirmed].toSorted(), [...ids].toSorted());
      t.same(await inQueue(queue, 'hold'), [...ids].toSorted());
      sink.rule = undefined;
      await releaser.release(ids.map((queueId) => ({ queueId, wasDeferred: true })));
      await waitFor(() => sink.deliveries.length === 46);
      t.same(await inQueue(queue, 'hold'), []);
    },
  );

  await t.test('mail that is held is never taken by hold()', async (t) => {
    const ids = await held(postfix, 1);
    t.same(await releaser.hold(ids), { confirmed: [], unconfirmed: ids });
    await releaser.release(ids.map(fresh));
    await waitFor(() => sink.deliveries.length === 47);
  });

  await t.test('expired mail is returned to its sender', async (t) => {
    const ids = await held(postfix, 1);
    t.same((await releaser.expire?.(ids))?.confirmed, ids);
    // qmgr's line comes before the one of bounce, which writes the notice.
    const log = await waitFor(async () => {
      const text = await postfix.log();
      return text.includes(`${ids[0]}: sender non-delivery notification`) ? text : undefined;
    });
    t.match(log, 'force-expired, returned to sender');
    const notice = await waitFor(() => sink.deliveries[47]);
    t.match(notice, { sender: '', recipient: 'app@lab.test' });
    t.equal(sink.deliveries.length, 48);
  });

  await t.test('with a large deferred queue each message is woken by itself', async (t) => {
    const ids = await held(postfix, 5);
    const before = sink.deliveries.length;
    const other = new PostfixReleaser(settings(postfix, { deferred: () => 1_000_000 }));
    const outcome = await other.release(ids.map(fresh));
    t.equal(outcome.confirmed.length, 5);
    await waitFor(() => sink.deliveries.length === before + 5);
    await other.close();
  });

  await t.test('through a socket that carries the standard streams of postsuper', async (t) => {
    const path = join(postfix.directory, 'release.sock');
    // systemd's StandardError=socket, which systemd-socket-activate does not have.
    const command = `exec postsuper -c ${postfix.configDirectory} -H - 2>&1`;
    const argv = ['--accept', '--inetd', '-l', path, 'sh', '-c', command];
    const activate = spawn('systemd-socket-activate', argv, { stdio: 'ignore' });
    t.teardown(() => activate.kill());
    await waitFor(() => existsSync(path));
    const release: Helper = { kind: 'unix', path };
    const other = new PostfixReleaser(settings(postfix, { release }));
    const before = sink.deliveries.length;
    const ids = await held(postfix, 8);
    const first = await other.release(ids.slice(0, 4).map(fresh));
    t.same([...first.confirmed].toSorted(), ids.slice(0, 4).toSorted());
    // One that is not there closes the helper; the next batch opens another.
    const none = await other.release([fresh('4zNoSuchMail0000')]);
    t.same(none, { confirmed: [], unconfirmed: ['4zNoSuchMail0000'] });
    const second = await other.release(ids.slice(4).map(fresh));
    t.same([...second.confirmed].toSorted(), ids.slice(4).toSorted());
    await waitFor(() => sink.deliveries.length === before + 8);
    await other.close();
    await rm(path, { force: true });
    await t.rejects(other.release([fresh(ids[0]!)]), { message: /release\.sock.*ENOENT/ });
  });

  await t.test('a helper that fails is an error that says why; nothing is released', async (t) => {
    const ids = await held(postfix, 1);
    const failing = async (argv: readonly string[]) => {
      const release: Helper = { kind: 'command', argv };
      const other = new PostfixReleaser(settings(postfix, { release }));
      await other.release(ids.map(fresh)).finally(() => other.close());
    };
    await t.rejects(failing(['/nowhere/postsuper', '-H', '-']), { message: /ENOENT/ });
    await t.rejects(failing(['false']), { message: 'false: ended with 1' });
    await t.rejects(
      failing(['setpriv', '--reuid=65534', '--clear-groups', 'postsuper', '-H', '-']),
      { message: /reserved for the superuser/ },
    );
    const slow = ['sh', '-c', 'exec sleep 30'];
    await t.rejects(failing(slow), { message: /no answer within 2 s/ });
    t.equal((await postfix.postqueue()).filter((one) => one.queue_name === 'hold').length, 1);
  });

  await t.test('mail that could not be woken is told, and in doubt', async (t) => {
    const [entry] = (await postfix.postqueue()).filter((one) => one.queue_name === 'hold');
    const late: string[] = [];
    const onLate: ReleaserSettings['onLate'] = (error, ids) => {
      t.match(error.message, /postqueue/);
      late.push(...ids);
    };
    const configDirectory = join(postfix.directory, 'nowhere');
    const other = new PostfixReleaser(settings(postfix, { configDirectory, onLate }));
    const id = entry?.queue_id ?? '';
    const outcome = await other.release([{ queueId: id, wasDeferred: true }]);
    t.same(outcome, { confirmed: [], unconfirmed: [id] });
    t.same(late, [id]);
    await other.close();
  });
});
