/** The follower on the log of a real Postfix, which rotates it in the middle. */
import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import t from 'tap';
import { burst } from '../../lab/client.ts';
import { startPostfix } from '../../lab/postfix.ts';
import { startSink } from '../../lab/sink.ts';
import { waitFor } from '../../lab/wait.ts';
import { LOOK_BACK } from '../../src/postfix/follow.ts';
import { FileFollower } from '../../src/postfix/follow-file.ts';
import { eventsOf } from './events-of.ts';

// On a busy machine a process of Postfix takes its time.
t.setTimeout(180_000);

await t.test('every message once, through postfix logrotate and a restart of ours', async (t) => {
  const sink = await startSink();
  const postfix = await startPostfix({ routes: { '*': sink.port } });
  t.teardown(async () => {
    follower.close();
    await postfix.stop();
    await sink.close();
  });
  const removed: string[] = [];
  const delivered: string[] = [];
  const settings = { lookBack: LOOK_BACK, now: Date.now };
  let follower = new FileFollower(postfix.logFile, { ...settings, cursor: undefined });
  let stopAfter = 30;
  const reading = (async () => {
    for (;;) {
      let cursor;
      for await (const followed of eventsOf(follower)) {
        const { event, history } = followed;
        cursor = followed.cursor;
        if (history) continue;
        if (event.kind === 'delivery') delivered.push(event.queueId);
        if (event.kind === 'removed') removed.push(event.queueId);
        if (removed.length === stopAfter) break;
      }
      if (removed.length !== stopAfter) return;
      stopAfter = -1;
      follower = new FileFollower(postfix.logFile, { ...settings, cursor });
    }
  })();
  const mails = () =>
    burst({
      port: postfix.port,
      mails: 40,
      connections: 4,
      from: 'app@lab.test',
      to: (n) => `r${n}@far.test`,
    });
  // What is in the log before it is open counts as history.
  await waitFor(() => follower.state().caughtUp);
  const first = await mails();
  // `postfix logrotate` compresses at once: what is rotated while nobody follows is lost, and said to be.
  await waitFor(() => stopAfter < 0 && follower.state().caughtUp, { what: 'the restart' });
  const [, second] = await Promise.all([postfix.command(['postfix', 'logrotate']), mails()]);
  const third = await mails();
  // A mail that Postfix refused while it was told to log elsewhere is nobody's loss.
  const accepted = [...first, ...second, ...third].filter(({ code }) => code === 250);
  t.ok(accepted.length > 110, `${accepted.length} of 120 accepted`);
  const ids = accepted.map(({ queueId = '' }) => queueId).toSorted();
  // What came while the queue manager was started anew would wait for its next run.
  await postfix.command(['postqueue', '-f']);
  await waitFor(() => removed.length >= ids.length, {
    what: `${ids.length} removals: ${JSON.stringify(follower.state())}`,
  });
  follower.close();
  await reading;
  t.same(removed.toSorted(), ids);
  t.same(delivered.toSorted(), ids);
  t.equal((await readdir(dirname(postfix.logFile))).length, 2, 'it was rotated');
});
