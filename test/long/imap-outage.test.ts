/** The server of the mailbox that reports come to is away, and what the whole daemon makes of reports. */
import t from 'tap';
import { waitFor } from '../../lab/wait.ts';
import { startDovecot } from '../daemon/dovecot.ts';
import { report, startSource } from '../daemon/imap-scene.ts';
import { dsn } from '../feedback/report-samples.ts';
import { startScene } from '../live/scene.ts';

const dovecot = await startDovecot();
t.teardown(() => dovecot.remove());
t.setTimeout(120_000);

await t.test('the server down and back: one line each, nothing lost', async (t) => {
  const it = startSource(t, dovecot.account, { firstMs: 500, lastMs: 500 });
  await dovecot.deliver(report(1));
  await it.read(1);
  await dovecot.stop();
  await waitFor(() => it.log.of('cannot be read').length > 0, { what: 'to be told' });
  await new Promise((resolve) => setTimeout(resolve, 4000));
  await dovecot.start();
  await dovecot.deliver(report(2));
  await it.read(2);
  await waitFor(() => it.log.of('read again').length > 0, { what: 'to be told of the return' });
  t.match(it.log.lines, [
    { level: 'warn', text: 'the IMAP mailbox cannot be read', fields: { error: /ECONNREFUSED/ } },
    { level: 'info', text: 'the IMAP mailbox is read again', fields: { mailbox: 'INBOX' } },
  ]);
  t.equal(it.log.lines.length, 2);
  t.match(it.heard.at(-1), /M2$/);
});

await t.test('the daemon reads it beside all else, and stops with it', async (t) => {
  const { caFile, passwordFile, ...account } = dovecot.account;
  const scene = await startScene({
    config: {
      default: { pace: 'none' },
      feedback: { imap: { ...account, ca_file: caFile, password_file: passwordFile } },
    },
  });
  t.teardown(() => scene.stop());
  t.match(await scene.tell('config', 'show'), /imap:\n *host: 127.0.0.1\n/);
  const [sent] = await scene.burst({
    mails: 1,
    from: 'app@here.example',
    to: () => 'jane@there.example',
  });
  await waitFor(() => scene.deliveries.length === 1, { what: 'the mail to arrive' });
  await dovecot.deliver(dsn({ recipient: 'jane@there.example', queueId: sent?.queueId ?? '' }));
  const proven = async () => {
    const { events } = await scene.postpace.control.feedback(undefined, 100);
    return events.find(({ source, trust }) => source === 'imap' && trust === 'records');
  };
  const event = await waitFor(proven, { what: 'the report to be told', timeoutMs: 20_000 });
  t.match(event, { recipient: 'jane@there.example', outcome: /counted|moved/ });
  await dovecot.stop();
  await waitFor(() => scene.logged('the IMAP mailbox cannot be read: reports wait there').length, {
    what: 'the outage to be told',
  });
  const [verdict] = await scene.burst({
    mails: 1,
    from: 'app@here.example',
    to: () => 'joe@there.example',
  });
  t.equal(verdict?.code, 250, 'mail goes on');
  await dovecot.start();
  await waitFor(() => scene.logged('the IMAP mailbox is read again').length, {
    what: 'the return to be told',
  });
  const before = performance.now();
  await scene.postpace.stop();
  t.ok(performance.now() - before < 8000, 'nobody waits for the server at the end');
});
