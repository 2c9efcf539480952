/** Mailboxes that are there and give trouble: none of it loses a report, or keeps others waiting. */
import { chmod, chown, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { waitFor } from '../../lab/wait.ts';
import { startDovecot } from './dovecot.ts';
import { giving, startFakeImap } from './fake-imap.ts';
import { HOST, report, startSource } from './imap-scene.ts';

const dovecot = await startDovecot();
t.teardown(() => dovecot.remove());
t.setTimeout(60_000);

await t.test('a message that the server cannot read keeps no other waiting', async (t) => {
  for (const n of [1, 2, 3]) await dovecot.deliver(report(n));
  const folder = join(dovecot.directory, 'mail/bounces/new');
  const file = join(folder, (await readdir(folder)).toSorted()[1] ?? '');
  const { uid, gid } = await stat(file);
  await chown(file, 0, 0);
  await chmod(file, 0);
  const it = startSource(t, dovecot.account);
  await waitFor(() => it.heard.length === 2, { what: 'the others', timeoutMs: 10_000 });
  t.same(it.heard, [`there.example ${HOST}/M1`, `there.example ${HOST}/M3`]);
  await waitFor(() => it.log.lines.length > 0, { what: 'to be told' });
  t.match(it.log.lines, [{ text: /cannot be read/, fields: { error: /^message 2: / } }]);
  t.equal((await it.place()).uid, 1, 'a restart would begin with it');
  await chown(file, uid, gid);
  await chmod(file, 0o600);
  await waitFor(() => it.heard.length === 3, { what: 'it too', timeoutMs: 10_000 });
  await waitFor(async () => (await it.place()).uid === 3, { what: 'the place' });
  await waitFor(() => it.log.lines.length === 2, { what: 'to be told' });
  t.match(it.log.lines[1], { level: 'info', text: /is read again/ });
});

await t.test('what is expunged before its turn is passed over', async (t) => {
  const it = startSource(t, dovecot.account);
  await it.read(3);
  it.mayTake(false);
  await dovecot.deliver(report(4));
  await dovecot.deliver(report(5));
  await new Promise((resolve) => setTimeout(resolve, 500));
  await dovecot.visit(async (client) => {
    await client.mailboxOpen('INBOX');
    await client.messageDelete('4', { uid: true });
  });
  it.mayTake(true);
  await waitFor(() => it.heard.length === 4, { what: 'the one behind it' });
  t.match(it.heard[3], /M5$/);
  t.same(it.log.lines, []);
});

await t.test('a folder that cannot be made: told once, and reports are read', async (t) => {
  const it = startSource(t, { ...dovecot.account, moveTo: 'a/b' });
  await waitFor(() => it.heard.length === 4, { what: 'all reports', timeoutMs: 10_000 });
  await waitFor(async () => (await it.place()).uid === 5, { what: 'the place' });
  t.match(it.log.lines, [
    { text: /does not move mail/, fields: { folder: 'a/b', error: /not allowed|invalid/i } },
  ]);
});

await t.test('a folder that is there, in the words of Exchange', async (t) => {
  const moved: string[] = [];
  const account = await startFakeImap(t, dovecot, {
    CREATE: (socket, tag) => void socket.write(`${tag} NO Mailbox already exists.\r\n`),
    FETCH: giving(report(1)),
    MOVE: (socket, tag, rest) => {
      moved.push(rest);
      socket.write(`${tag} OK done\r\n`);
    },
  });
  const it = startSource(t, { ...account, moveTo: 'Read' });
  await waitFor(() => moved.length > 0, { what: 'it to be moved' });
  t.match(moved, [/^1 .*Read$/]);
  t.same(it.log.lines, []);
});

await t.test('an answer that cannot be read is no answer', async (t) => {
  let isGarbage = true;
  const account = await startFakeImap(t, dovecot, {
    FETCH: (...asked) => {
      if (!isGarbage) return giving(report(1))(...asked);
      const [socket, tag] = asked;
      socket.write(`* 1 FETCH (UID 1 BODY[]<0> "never ends\r\n${tag} OK done\r\n`);
    },
  });
  const it = startSource(t, account);
  await waitFor(() => it.log.lines.length > 0, { what: 'to be told' });
  t.match(it.log.lines, [{ fields: { error: /message 1: the server lists it and does not/ } }]);
  t.equal(it.heard.length, 0);
  isGarbage = false;
  await waitFor(() => it.heard.length === 1, { what: 'it to be read' });
});

await t.test('what the server said is told', async (t) => {
  const account = await startFakeImap(t, dovecot, {
    FETCH: (socket, tag) => void socket.write(`${tag} NO [SERVERBUG] the disk is on fire\r\n`),
  });
  const it = startSource(t, account);
  await waitFor(() => it.log.lines.length > 0, { what: 'to be told' });
  t.match(it.log.lines, [{ fields: { error: /message 1: .*the disk is on fire/ } }]);
});
