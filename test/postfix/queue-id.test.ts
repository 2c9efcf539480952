import t from 'tap';
import { burst } from '../../lab/client.ts';
import { startPostfix } from '../../lab/postfix.ts';
import { waitFor } from '../../lab/wait.ts';
import { isSameFile } from '../../src/pace/queue-identity.ts';
import { isQueueId } from '../../src/postfix/queue-id.ts';

// On a busy machine a process of Postfix takes its time.
t.setTimeout(180_000);

await t.test('what may be handed to postsuper', (t) => {
  for (const id of ['4F5C64474F', '4jYVY96bGJzJ9F5', 'ABCDEF'])
    t.ok(isQueueId(id), `${id} is a queue id`);
  for (const id of ['', '-', 'ALL', '-r ALL', '../hold', '4F5C6 4474F', '4F5C64474F\n', 'é12345'])
    t.notOk(isQueueId(id), `${JSON.stringify(id)} is none`);
  t.end();
});

await t.test(
  'held files are renamed when long ids are switched off, and known again',
  async (t) => {
    const postfix = await startPostfix({
      main: { smtpd_sender_restrictions: 'check_sender_access static:HOLD' },
      longQueueIds: true,
    });
    t.teardown(() => postfix.stop());
    const sent = await burst({
      port: postfix.port,
      mails: 40,
      from: 'app@lab.test',
      to: () => 'r@lab.test',
    });
    const held = async () => (await postfix.postqueue()).map((entry) => entry.queue_id).toSorted();
    await waitFor(async () => (await held()).length === 40);
    await postfix.set({ enable_long_queue_ids: 'no' });
    await postfix.reload();
    await waitFor(async () => (await held()).every((id) => !id.includes('z')));
    const short = await held();
    for (const { queueId = '' } of sent)
      t.equal(short.filter((id) => isSameFile(queueId, id)).length, 1, queueId);
    // Switched on again the files keep their names.
    await postfix.set({ enable_long_queue_ids: 'yes' });
    await postfix.reload();
    t.same(await held(), short);
  },
);
