import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import t from 'tap';
import { burst, send } from '../../lab/client.ts';
import { account } from '../../lab/ledger.ts';
import { startPostfix } from '../../lab/postfix.ts';
import { isAlive } from '../../lab/process.ts';
import { startSink } from '../../lab/sink.ts';

t.test('a burst reaches the sink of its domain, every mail once', async (t) => {
  const sink = await startSink();
  const postfix = await startPostfix({ routes: { 'utc.fr': sink.port } });
  t.teardown(() => Promise.all([sink.close(), postfix.stop()]));
  const sent = await burst({
    port: postfix.port,
    mails: 40,
    connections: 40,
    from: 'a@lab.test',
    to: (index) => `user${index}@utc.fr`,
  });
  t.ok(
    sent.every(({ code }) => code === 250),
    'the application has its 250',
  );
  await postfix.waitFor(() => sink.deliveries.length >= 40, { what: '40 deliveries' });
  const books = account(sent, sink.deliveries);
  t.match(books, { accepted: 40, delivered: 40, lost: [], duplicated: [], unknown: [] });
  await postfix.idle();
});

t.test('local mail lands in a maildir, sendmail(1) mail too, bounces come back', async (t) => {
  const postfix = await startPostfix();
  t.teardown(() => postfix.stop());
  await send(postfix, { from: 'app@lab.test', to: ['Ann@lab.test', 'x@nowhere.test'] });
  await postfix.command(['sendmail', 'bob@lab.test'], { input: 'Subject: hello\n\nhi\n' });
  await postfix.waitFor(async () => (await postfix.mailbox('app@lab.test')).length === 1);
  await postfix.waitFor(async () => (await postfix.mailbox('bob@lab.test')).length === 1);
  t.match(await postfix.mailbox('ann@lab.test'), [/@all/]);
  t.match(await postfix.mailbox('app@lab.test'), [/Undelivered Mail/]);
});

t.test(
  'a chrooted instance with a milter that is down holds, and survives a restart',
  async (t) => {
    const sink = await startSink();
    const postfix = await startPostfix({
      chroot: true,
      routes: { '*': sink.port },
      milters: '{ unix:postpace/milter.sock, connect_timeout=2s, default_action=quarantine }',
    });
    t.teardown(() => Promise.all([sink.close(), postfix.stop()]));
    await mkdir(`${postfix.queueDirectory}/postpace`);
    const { code, queueId } = await send(postfix, { from: 'a@lab.test', to: ['b@gmail.com'] });
    t.equal(code, 250);
    await postfix.restart();
    t.match(await postfix.postqueue(), [{ queue_name: 'hold', queue_id: queueId }]);
    await postfix.command(['postsuper', '-H', queueId ?? '']);
    await postfix.command(['postqueue', '-i', queueId ?? '']);
    await postfix.waitFor(() => sink.deliveries.length === 1);
  },
);

t.test('two instances live side by side and leave nothing', async (t) => {
  const pair = await Promise.all([startPostfix(), startPostfix()]);
  const pids = pair.map(({ pid }) => pid ?? 0);
  t.ok(pids.every(isAlive));
  t.not(pair[0].port, pair[1].port);
  await Promise.all(pair.map((postfix) => postfix.stop()));
  t.notOk(pids.some(isAlive));
  t.notOk(pair.some(({ directory }) => existsSync(directory)));
});

t.test('a setting that Postfix refuses is told with its own words', async (t) => {
  await t.rejects(startPostfix({ master: ['smtp inet n - n x - smtpd'] }), /did not start/);
});
