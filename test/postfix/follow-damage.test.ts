/** The follower on what no syslogd should write, in places where none should be, and may be all the same. */
import { appendFile, chmod, mkdir, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { waitFor } from '../../lab/wait.ts';
import { FileFollower } from '../../src/postfix/follow-file.ts';
import { eventsOf } from './events-of.ts';
import { line, lines, LOOK_BACK, NOW, place, run, upTo } from './followed-log.ts';

const MEGA = 1024 * 1024;

const asRoot = (): void => process.seteuid?.(0);
const asNobody = (): void => process.seteuid?.(65534);
t.afterEach(asRoot);

await t.test('a line of a megabyte is read, three megabytes without an end are not', async (t) => {
  const path = await place();
  await writeFile(path, '');
  const one = run(path);
  await waitFor(() => one.follower.state().caughtUp);
  const reply = 'x'.repeat(MEGA - 300);
  const fields = 'relay=mx[192.0.2.1]:25, delay=1, dsn=5.0.0';
  const long = `Nov 24 11:59:00 mx postfix/smtp[1]: 4F5C64474F: to=<a@b.example>, ${fields}, status=bounced (${reply})\n`;
  await appendFile(path, line(0) + long + line(1));
  await waitFor(() => one.ids.length === 2);
  t.equal(one.history.length, 3, 'the long one too');
  const before = process.memoryUsage().rss;
  await appendFile(path, 'x'.repeat(3 * MEGA));
  await sleep(100);
  await waitFor(() => one.follower.state().behindBytes === 0);
  t.ok(process.memoryUsage().rss - before < 64 * MEGA);
  await appendFile(path, 'x\n');
  await appendFile(path, line(2));
  await waitFor(() => one.ids.length === 3);
  await one.stop();
  await appendFile(path, 'y'.repeat(3 * MEGA));
  const two = run(path, one.cursor, { lookBack: { ...LOOK_BACK, bytes: 16 * MEGA } });
  await waitFor(() => two.follower.state().caughtUp);
  await appendFile(path, `\n${line(3)}`);
  await waitFor(() => two.news.length === 1);
  t.same(two.ids, upTo(4));
});

await t.test('bytes that are no UTF-8, and zeros: places stay exact', async (t) => {
  const path = await place();
  const odd = Buffer.from(
    '\u0000\u0000Nov 24 11:59:00 mx postfix/smtp[1]: x\u0000y: \u00ff\u00fe\n',
    'latin1',
  );
  const fields = 'relay=mx[192.0.2.1]:25, delay=1, dsn=5.0.0, status=bounced';
  const head = 'Nov 24 11:59:00 mx postfix/smtp[1]: 4F5C64474F: to=<j\u00e9r\u00f4me@b.example>';
  const latin = Buffer.from(`${head}, ${fields} (d\u00e9sol\u00e9\u0000\u0085 \u0000)\n`, 'latin1');
  await writeFile(path, '');
  const one = run(path);
  await waitFor(() => one.follower.state().caughtUp);
  const all = Array.from({ length: 20 }, (_, id) => [Buffer.from(line(id)), odd, latin]).flat();
  await appendFile(path, Buffer.concat(all));
  await waitFor(() => one.history.length === 40);
  await one.stop();
  t.same(one.ids, upTo(20));
  await appendFile(path, Buffer.concat([odd, Buffer.alloc(100), Buffer.from(line(20))]));
  const two = run(path, one.cursor);
  await waitFor(() => two.news.length === 1);
  await two.stop();
  t.same(two.ids, upTo(21));
  const follower = new FileFollower(path, {
    cursor: undefined,
    lookBack: LOOK_BACK,
    now: () => NOW,
  });
  for await (const { event } of eventsOf(follower)) {
    if (event.kind !== 'delivery') continue;
    t.match(event, {
      recipient: 'j\ufffdr\ufffdme@b.example',
      reply: 'd\ufffdsol\ufffd\0\ufffd \0',
    });
    break;
  }
});

await t.test(
  'rotated to a file that may not be read: told, waited for, nothing missed',
  async (t) => {
    const path = await place();
    await writeFile(path, lines(0, 3));
    await chmod(dirname(path), 0o755);
    asNobody();
    const one = run(path);
    await waitFor(() => one.ids.length === 3);
    asRoot();
    await rename(path, `${path}.1`);
    await writeFile(path, lines(5, 7), { mode: 0o600 });
    asNobody();
    const isTold = () => one.follower.state().trouble === `${path}: permission denied`;
    await waitFor(isTold, { what: 'the trouble to be told' });
    asRoot();
    await appendFile(`${path}.1`, lines(3, 5));
    await waitFor(() => one.ids.length === 5, { what: 'what still comes to the old file' });
    await chmod(path, 0o644);
    await waitFor(() => one.ids.length === 7);
    t.same(one.ids, upTo(7));
    t.equal(one.follower.state().trouble, undefined);
  },
);

await t.test('in a directory that may not be listed: resumed like any other', async (t) => {
  const path = await place();
  await writeFile(path, lines(0, 3));
  await chmod(dirname(path), 0o711);
  asNobody();
  const one = run(path);
  await waitFor(() => one.ids.length === 3);
  t.same(one.history, [true, true, true]);
  await one.stop();
  const two = run(path, one.cursor);
  await waitFor(() => two.follower.state().caughtUp);
  await waitFor(() => two.ids.length === 3);
  t.same(two.news, []);
  t.equal(two.follower.state().lost, undefined);
});

await t.test('a place at the head of a file is in that file alone', async (t) => {
  const path = await place();
  await writeFile(`${path}.1`, lines(0, 3));
  await sleep(20);
  await writeFile(path, '');
  const one = run(path);
  await waitFor(() => one.ids.length === 3);
  t.match(one.cursor, { offset: 0, inode: (await stat(path)).ino });
  await appendFile(path, line(3).slice(0, 20));
  await sleep(60);
  await truncate(path);
  await sleep(60);
  await appendFile(path, line(3));
  await waitFor(() => one.news.length > 0);
  await sleep(60);
  t.same(one.news, [3], 'truncated: the predecessor is not read for a copy of it');
  await one.stop();
  const two = run(path, { kind: 'file', path, inode: 1, offset: 0, check: 0, atMs: NOW });
  await waitFor(() => two.follower.state().caughtUp);
  t.same(two.news, [], 'gone: what is there is told by its time');
  t.match(two.follower.state().lost, /lines may be missing/);
});

await t.test(
  'what was written a second time is read a second time, the old file too',
  async (t) => {
    const path = await place();
    await writeFile(path, lines(0, 3));
    const one = run(path);
    await waitFor(() => one.ids.length === 3);
    // As `sed -i` does, or an editor.
    await writeFile(`${path}.new`, lines(0, 3));
    await rename(`${path}.new`, path);
    await waitFor(() => one.news.length === 3, { what: 'the log from its head' });
    await rm(path);
    await writeFile(path, lines(3, 4));
    await waitFor(() => one.news.length === 4);
    t.same(one.news, [0, 1, 2, 3]);
  },
);

await t.test('a directory in the log’s place is told, and waited out', async (t) => {
  const path = await place();
  await mkdir(path);
  const one = run(path);
  await waitFor(() => one.follower.state().trouble, { what: 'the trouble to be told' });
  t.equal(one.follower.state().trouble, `${path}: not a file`);
  await rm(path, { recursive: true });
  await writeFile(path, lines(0, 2));
  await waitFor(() => one.ids.length === 2);
  await waitFor(() => one.follower.state().trouble === undefined);
  t.same(one.ids, [0, 1]);
});
