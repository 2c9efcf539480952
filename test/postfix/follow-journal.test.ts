import { execFileSync } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { waitFor } from '../../lab/wait.ts';
import type { LogCursor } from '../../src/postfix/follow.ts';
import { JournalFollower, MAIL_FACILITY } from '../../src/postfix/follow-journal.ts';
import { readJournalEntry } from '../../src/postfix/journal-entry.ts';
import { removedOf } from './events-of.ts';

// On a busy machine a process of Postfix takes its time.
t.setTimeout(180_000);

const NOW = Date.UTC(2026, 10, 24, 12, 0, 0);
const LOOK_BACK = { bytes: 1024 * 1024, ms: 24 * 60 * 60 * 1000 };

async function place(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'postpace-journal-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

function follow(command: readonly string[], cursor?: LogCursor) {
  const follower = new JournalFollower({
    cursor,
    lookBack: LOOK_BACK,
    now: () => NOW,
    match: MAIL_FACILITY,
    command,
  });
  return Object.assign(removedOf(follower, cursor), { follower });
}

function entry(id: number, atMs = NOW): string {
  const at = String(atMs * 1000);
  return `${JSON.stringify({
    __CURSOR: 'CURSOR',
    __REALTIME_TIMESTAMP: at,
    _SOURCE_REALTIME_TIMESTAMP: at,
    SYSLOG_IDENTIFIER: 'postfix/qmgr',
    SYSLOG_PID: '12',
    _PID: '12',
    MESSAGE: `${String(id).padStart(8, '0')}: removed`,
  })}\n`;
}

const of = (fields: Record<string, unknown>) =>
  readJournalEntry(
    JSON.stringify({ __CURSOR: 'c', __REALTIME_TIMESTAMP: '1795521600123456', ...fields }),
  );

await t.test('an entry as journalctl -o json writes it', (t) => {
  t.same(of({ SYSLOG_IDENTIFIER: 'postfix-out/smtp', _PID: '7', MESSAGE: 'x' }), {
    cursor: 'c',
    line: { atMs: 1795521600123, program: 'smtp', pid: 7, text: 'x' },
  });
  const bytes = [...Buffer.from('caf\u00e9', 'latin1')];
  t.equal(of({ SYSLOG_IDENTIFIER: 'postfix/smtp', MESSAGE: bytes })?.line.text, 'caf\ufffd');
  t.equal(of({ SYSLOG_IDENTIFIER: ['postfix/smtp', 'x'], MESSAGE: ['a', 'b'] })?.line.text, 'a');
  t.equal(of({ SYSLOG_IDENTIFIER: 'dovecot', MESSAGE: 'x' }), undefined);
  t.equal(of({ SYSLOG_IDENTIFIER: 'postfix/smtp', MESSAGE: null }), undefined);
  t.equal(readJournalEntry('-- No entries --'), undefined);
  t.end();
});

await t.test('follows, starts journalctl again when it ends, and resumes', async (t) => {
  const file = join(await place(), 'journal');
  const script = join(import.meta.dirname, 'fake-journalctl.js');
  const command = [process.execPath, script, file];
  const old = NOW - 60_000;
  const late = NOW + 60_000;
  await writeFile(file, entry(0, old) + entry(1, old));
  const one = follow(command);
  await waitFor(() => one.follower.state().caughtUp);
  t.same(one.history, [true, true]);
  const begin = one.cursor;
  t.match(begin, { kind: 'journal', atMs: NOW }, 'history has the cursor of its end');
  await appendFile(file, entry(2, late));
  await waitFor(() => one.ids.length === 3);
  t.same(one.history, [true, true, false]);
  await appendFile(file, 'die\n');
  await waitFor(() => one.follower.state().trouble !== undefined);
  t.match(one.follower.state().trouble, /^journalctl: Failed to get journal access/);
  await appendFile(file, entry(4, late));
  await waitFor(() => one.ids.length === 4);
  await waitFor(() => one.follower.state().trouble === undefined);
  await one.stop();
  // Two entries of one millisecond: the cursor tells them apart.
  await appendFile(file, entry(5, late));
  const two = follow(command, one.cursor);
  await waitFor(() => two.news.length === 1);
  await two.stop();
  t.same(two.ids, [0, 1, 2, 4, 5], 'what was dealt with comes again as history');
  t.same(two.news, [5]);
  const three = follow(command, begin);
  await waitFor(() => three.news.length === 3);
  await three.stop();
  t.same(three.news, [2, 4, 5], 'stopped in history: by time');
  const calls = (await readFile(`${file}.args`, 'utf8')).trim().split('\n');
  t.match(calls[0], /^\["-q".*"--since=@1795435200".*"SYSLOG_FACILITY=2"\]$/);
  t.match(calls[1], /^\["-f","--no-tail".*"--after-cursor=s1"/);
});

await t.test('the entry that was read last is gone: by time, and told', async (t) => {
  const file = join(await place(), 'journal');
  const command = [process.execPath, join(import.meta.dirname, 'fake-journalctl.js'), file];
  await writeFile(file, entry(0, NOW - 60_000) + entry(1, NOW - 30_000));
  const gone = { kind: 'journal', cursor: 'vacuumed', atMs: NOW - 45_000 } as const;
  const one = follow(command, gone);
  await waitFor(() => one.follower.state().caughtUp);
  await one.stop();
  t.same(one.news, [1]);
  t.match(one.follower.state().lost, /others may be missing/);
  // Written while the clock was a day ahead.
  const future = { ...gone, atMs: NOW + 86_400_000 };
  const two = follow(command, future);
  await waitFor(() => two.follower.state().caughtUp);
  await appendFile(file, entry(2, NOW + 1000));
  await waitFor(() => two.news.length === 1);
  await two.stop();
  t.same(two.news, [2]);
  const three = follow(command, one.cursor);
  await waitFor(() => three.follower.state().caughtUp);
  t.equal(three.follower.state().lost, undefined);
  await three.stop();
});

await t.test(
  'the clock is put back: what comes is news, and none is from the future',
  async (t) => {
    const file = join(await place(), 'journal');
    const command = [process.execPath, join(import.meta.dirname, 'fake-journalctl.js'), file];
    await writeFile(file, entry(0, NOW - 60_000));
    const one = follow(command);
    await waitFor(() => one.follower.state().caughtUp);
    await appendFile(file, entry(1, NOW - 30_000) + entry(2, NOW + 3_600_000));
    await waitFor(() => one.ids.length === 3);
    await one.stop();
    t.same(one.news, [1, 2]);
    t.equal(one.follower.state().lastEventMs, NOW);
  },
);

await t.test('no journalctl: told, and tried again', async (t) => {
  const one = follow(['/nowhere/journalctl']);
  await waitFor(() => one.follower.state().trouble !== undefined);
  t.match(one.follower.state().trouble, /ENOENT/);
  await one.stop();
});

await t.test('the real journalctl on a real journal file', async (t) => {
  const directory = await place();
  const write = (name: string, ids: readonly number[]) => {
    const text = ids
      .map((id) =>
        [
          `__REALTIME_TIMESTAMP=${(NOW + id) * 1000}`,
          `__MONOTONIC_TIMESTAMP=${id + 1}`,
          `_BOOT_ID=${'0'.repeat(31)}1`,
          'SYSLOG_FACILITY=2',
          'SYSLOG_IDENTIFIER=postfix/qmgr',
          'SYSLOG_PID=12',
          `MESSAGE=${String(id).padStart(8, '0')}: removed`,
          `_SOURCE_REALTIME_TIMESTAMP=${(NOW + id) * 1000}`,
          '',
          '',
        ].join('\n'),
      )
      .join('');
    const noise = text.replaceAll('SYSLOG_FACILITY=2', 'SYSLOG_FACILITY=3');
    const remote = '/usr/lib/systemd/systemd-journal-remote';
    execFileSync(remote, ['-o', join(directory, 'j', name), '-'], { input: text + noise });
  };
  await mkdir(join(directory, 'j'));
  write('one.journal', [0, 1, 2]);
  const command = ['journalctl', '--directory', join(directory, 'j')];
  const one = follow(command);
  await waitFor(() => one.ids.length === 3);
  await waitFor(() => one.follower.state().caughtUp);
  write('two.journal', [3]);
  await waitFor(() => one.ids.length === 4);
  await one.stop();
  t.same(one.ids, [0, 1, 2, 3]);
  write('three.journal', [4, 5]);
  const two = follow(command, one.cursor);
  await waitFor(() => two.news.length === 2);
  await two.stop();
  t.same(two.ids, [0, 1, 2, 3, 4, 5]);
  t.same(two.news, [4, 5]);
});
