/** Reports from a mailbox of a real Dovecot. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { waitFor } from '../../lab/wait.ts';
import type { ImapConfig } from '../../src/config/config.ts';
import { dsn, letter } from '../feedback/report-samples.ts';
import { startDovecot } from './dovecot.ts';
import { HOST, recipient, report, startSource } from './imap-scene.ts';

const dovecot = await startDovecot();
t.teardown(() => dovecot.remove());
t.setTimeout(60_000);

await t.test(
  'what is about mail of ours counts, once, and the mailbox stays as it was',
  async (t) => {
    await dovecot.deliver(report(1), ['\\Flagged']);
    await dovecot.deliver(letter, ['\\Seen']);
    await dovecot.deliver(dsn({ recipient: recipient(0), queueId: '4record' }));
    await dovecot.deliver(report(9), [], new Date(Date.now() - 30 * 86_400_000));
    const before = await dovecot.mail();
    const it = startSource(t, dovecot.account);
    await it.read(3);
    await waitFor(() => it.heard.length === 2, { what: 'both reports to count' });
    t.same(it.heard, [`there.example ${HOST}/M1`, `there.example ${HOST}/4record`]);
    await waitFor(async () => (await it.place()).uid === 3, { what: 'the place' });

    // IDLE tells of it: asked for is only after a minute.
    await dovecot.deliver(report(2));
    await waitFor(() => it.heard.length === 3, { what: 'news', timeoutMs: 10_000 });
    await it.restart();
    await dovecot.deliver(dsn({ recipient: 'eve@there.example', queueId: 'FORGED' }));
    await it.read(5);
    t.equal(it.heard.length, 3, 'what was told before the restart is not told again');
    const placed = join(it.stateDir, 'imap-place.json');
    await it.restart(() => rm(placed));
    await it.read(10);
    await it.restart(() => writeFile(placed, '{"account":'));
    await it.read(15);
    await waitFor(async () => (await it.place()).uid === 6, { what: 'the place once more' });
    t.equal(it.heard.length, 3, 'nor where the place was lost');
    t.match(it.log.lines, [{ level: 'warn', text: /imap-place.json is no place in a mailbox/ }]);
    t.equal(
      it.told().filter((one) => one === 'unproven ignored').length,
      3,
      'forged: told, ignored',
    );
    t.same((await dovecot.mail()).slice(0, 4), before, 'flags are as they were');
  },
);

await t.test('reports are moved where that is asked for, letters stay', async (t) => {
  const seen = await dovecot.mail();
  const it = startSource(t, {
    ...dovecot.account,
    tls: 'tls',
    port: dovecot.tlsPort,
    moveTo: 'Read',
  });
  await it.read(5);
  await waitFor(async () => (await dovecot.mail('Read')).length === 4, { what: 'four to move' });
  const left = await dovecot.mail();
  t.same(
    left.map(([, flags]) => flags),
    [['\\Seen'], []],
    'the letter, and the report that is older than anything that counts',
  );
  t.same(
    (await dovecot.mail('Read')).map(([, flags]) => flags),
    seen.filter(([uid]) => !left.some(([one]) => one === uid)).map(([, flags]) => flags),
  );
});

await t.test('a flood waits, and a message as large as can be is read in part', async (t) => {
  const it = startSource(t, dovecot.account);
  await it.read(1);
  it.mayTake(false);
  await dovecot.deliver(Buffer.concat([report(4), Buffer.alloc(1_000_000, 'x\r\n')]));
  await dovecot.deliver(report(5));
  await new Promise((resolve) => setTimeout(resolve, 300));
  t.equal(it.sizes.length, 1);
  it.mayTake(true);
  await waitFor(() => it.heard.length === 2, { what: 'both to be taken' });
  t.equal(it.sizes[1], 256 * 1024);
});

await t.test('another mailbox of the same name is read from its beginning', async (t) => {
  const reports = { ...dovecot.account, mailbox: 'Reports' };
  const fill = (n: number) =>
    dovecot.visit(async (client) => {
      await client.mailboxCreate('Reports');
      await client.append('Reports', report(n));
    });
  await fill(6);
  const it = startSource(t, reports);
  await waitFor(() => it.heard.length === 1, { what: 'the first' });
  await it.restart(async () => {
    await dovecot.visit((client) => client.mailboxDelete('Reports'));
    await fill(7);
  });
  await waitFor(() => it.heard.length === 2, { what: 'the second, of the same UID' });
  t.equal((await it.place()).uid, 1);

  // A reload that names no mailbox ends it, one that names it again begins it.
  it.configure(undefined);
  await it.source().restart();
  await dovecot.visit((client) => client.append('Reports', report(8)));
  it.configure({ ...reports });
  await it.source().restart();
  await waitFor(() => it.heard.length === 3, { what: 'what came meanwhile' });
});

const { caFile, ...trusting } = dovecot.account;
const vouched = { ...trusting, caFile };
const refusals: readonly (readonly [name: string, account: ImapConfig, why: RegExp])[] = [
  ['a certificate that nobody vouches for', trusting, /self-signed/],
  ['no TLS where TLS is expected', { ...vouched, tls: 'tls' }, /wrong version number|SSL|TLS/],
  ['a wrong password', { ...vouched, passwordFile: caFile }, /Authentication failed/i],
  ['no password file', { ...vouched, passwordFile: '/nowhere' }, /ENOENT.*nowhere/],
  ['no such mailbox', { ...vouched, mailbox: 'Nothing' }, /doesn't exist/i],
];
for (const [name, account, why] of refusals) {
  await t.test(`${name}: told once, and tried again`, async (t) => {
    const it = startSource(t, account);
    await waitFor(() => it.log.lines.length > 0, { what: 'to be told' });
    t.match(it.log.lines, [{ level: 'warn', fields: { error: why } }]);
    await it.source().stop();
    t.equal(it.sizes.length, 0);
  });
}
