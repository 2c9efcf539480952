import { renameSync, writeFileSync } from 'node:fs';
import { appendFile, copyFile, rename, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { waitFor } from '../../lab/wait.ts';
import type { LogCursor } from '../../src/postfix/follow.ts';
import { FileFollower } from '../../src/postfix/follow-file.ts';
import { eventsOf } from './events-of.ts';
import { line, lines, LOOK_BACK, NOW, place, run, upTo } from './followed-log.ts';

// On a busy machine a process of Postfix takes its time.
t.setTimeout(180_000);

await t.test('at the first start what is there is history, what comes is news', async (t) => {
  const path = await place();
  await writeFile(path, lines(0, 5));
  const one = run(path);
  await waitFor(() => one.ids.length === 5);
  await appendFile(path, lines(5, 8));
  await waitFor(() => one.ids.length === 8);
  t.same(one.ids, upTo(8));
  t.same(one.history, [true, true, true, true, true, false, false, false]);
});

await t.test('the look-back ends where its bytes and its time end', async (t) => {
  const path = await place();
  await writeFile(`${path}.1`, lines(0, 10));
  await writeFile(path, `${line(99).replace('Nov 24', 'Nov 22')}${lines(10, 20)}`);
  const all = run(path);
  await waitFor(() => all.ids.length === 20);
  await waitFor(() => all.follower.state().caughtUp);
  t.equal(all.follower.state().behindBytes, 0);
  t.same(all.ids, upTo(20), 'the predecessor too, without the line of two days ago');
  const bytes = Buffer.byteLength(lines(15, 20)) + 10;
  const few = run(path, undefined, { lookBack: { ...LOOK_BACK, bytes } });
  await waitFor(() => few.ids.length === 5);
  t.same(few.ids, [15, 16, 17, 18, 19]);
});

await t.test('half a line waits for its other half', async (t) => {
  const path = await place();
  await writeFile(path, '');
  const one = run(path);
  const text = line(0);
  await appendFile(path, text.slice(0, 30));
  await sleep(60);
  t.same(one.ids, []);
  await appendFile(path, text.slice(30) + line(1).slice(0, 10));
  await waitFor(() => one.ids.length === 1);
  await appendFile(path, line(1).slice(10));
  await waitFor(() => one.ids.length === 2);
});

await t.test('rotation by rename, the writer still at the old file', async (t) => {
  const path = await place();
  await writeFile(path, lines(0, 3));
  const one = run(path);
  await waitFor(() => one.ids.length === 3);
  await rename(path, `${path}.1`);
  await writeFile(path, '');
  await appendFile(`${path}.1`, lines(3, 6));
  await sleep(60);
  await appendFile(`${path}.1`, lines(6, 7));
  // Another program logs to the new file before the writer has changed over.
  await appendFile(path, lines(8, 10));
  await sleep(60);
  await appendFile(`${path}.1`, lines(7, 8));
  await waitFor(() => one.ids.length === 10);
  t.same(one.ids, upTo(10));
});

await t.test('rotated twice between two looks: what came between is read', async (t) => {
  const path = await place();
  await writeFile(path, lines(0, 2));
  const one = run(path);
  await waitFor(() => one.follower.state().caughtUp);
  // At once, as for one who was not let run meanwhile.
  renameSync(path, `${path}.2`);
  writeFileSync(`${path}.1`, lines(2, 4));
  writeFileSync(path, lines(4, 5));
  await waitFor(() => one.news.length === 3);
  await one.stop();
  t.same(one.news, [2, 3, 4]);
});

await t.test('removed, and created again', async (t) => {
  const path = await place();
  await writeFile(path, lines(0, 3));
  const one = run(path);
  await waitFor(() => one.ids.length === 3);
  await rm(path);
  await waitFor(() => one.follower.state().trouble !== undefined);
  t.match(one.follower.state().trouble, 'no such file or directory');
  await writeFile(path, lines(3, 5));
  await waitFor(() => one.ids.length === 5);
  t.same(one.ids, upTo(5));
  await waitFor(() => one.follower.state().trouble === undefined);
});

await t.test('copytruncate: what was not read is read from the copy', async (t) => {
  const path = await place();
  await writeFile(path, lines(0, 3));
  const one = run(path, undefined, { pollMs: 100 });
  await waitFor(() => one.ids.length === 3);
  await appendFile(path, lines(3, 50));
  await copyFile(path, `${path}.1`);
  await truncate(path);
  await appendFile(path, lines(50, 55));
  await waitFor(() => one.ids.length === 55);
  t.same(one.ids, upTo(55));
});

await t.test('truncated and filled up again beyond the old place', async (t) => {
  const path = await place();
  await writeFile(path, lines(0, 2));
  const one = run(path, undefined, { pollMs: 100 });
  await waitFor(() => one.ids.length === 2);
  await writeFile(path, lines(10, 30));
  await waitFor(() => one.ids.length === 22);
  t.same(one.ids.slice(2, 4), [10, 11]);
});

await t.test('a hole of zero bytes after a truncation is passed over', async (t) => {
  const path = await place();
  await writeFile(path, Buffer.concat([Buffer.alloc(5000), Buffer.from(lines(0, 2))]));
  const one = run(path);
  await waitFor(() => one.ids.length === 2);
  t.same(one.ids, upTo(2));
});

await t.test('not there yet: waited for, and read from its head', async (t) => {
  const path = await place();
  const one = run(path);
  await waitFor(() => one.follower.state().trouble !== undefined);
  await writeFile(path, lines(0, 2));
  await waitFor(() => one.ids.length === 2);
  t.same(one.history, [false, false]);
});

await t.test('resumes exactly, wherever it stopped', async (t) => {
  const path = await place();
  await writeFile(path, lines(0, 5));
  const first = run(path);
  await waitFor(() => first.ids.length === 5);
  await first.stop();
  await appendFile(path, lines(5, 40));
  let cursor = first.cursor;
  const seen: number[] = [];
  // Stopped after each event in turn: what the next run begins with must be the one after it.
  for (let id = 5; id < 40; id++) {
    const follower = new FileFollower(path, { cursor, lookBack: LOOK_BACK, now: () => NOW });
    const before: number[] = [];
    for await (const followed of eventsOf(follower)) {
      if (followed.event.kind !== 'removed') continue;
      if (followed.history) {
        before.push(Number(followed.event.queueId));
        t.same(followed.cursor, cursor, 'history moves no cursor');
        continue;
      }
      seen.push(Number(followed.event.queueId));
      cursor = followed.cursor;
      break;
    }
    t.same(before, upTo(id), 'all that came before is there as history');
  }
  t.same(seen, upTo(40).slice(5));
});

await t.test('stopped in the middle of history: still history the next time', async (t) => {
  const path = await place();
  await writeFile(`${path}.1`, lines(0, 3));
  await sleep(20);
  await writeFile(path, lines(3, 5) + line(5).slice(0, 20));
  const follower = new FileFollower(path, {
    cursor: undefined,
    lookBack: LOOK_BACK,
    now: () => NOW,
  });
  let cursor: LogCursor | undefined;
  for await (const followed of eventsOf(follower)) {
    cursor = followed.cursor;
    break;
  }
  await appendFile(path, line(5).slice(20));
  const two = run(path, cursor);
  await waitFor(() => two.ids.length === 6);
  t.same(two.news, [5]);
});

await t.test('resumes across what happened meanwhile', async (t) => {
  const cases: Record<string, (path: string) => Promise<void>> = {
    'nothing but more lines': (path) => appendFile(path, lines(5, 9)),
    'rotated by rename': async (path) => {
      await appendFile(path, lines(5, 7));
      await rename(path, `${path}.1`);
      await writeFile(path, lines(7, 9));
    },
    'rotated twice': async (path) => {
      await appendFile(path, lines(5, 6));
      await rename(path, `${path}.2`);
      await sleep(20);
      await writeFile(`${path}.1`, lines(6, 7));
      await writeFile(path, lines(7, 9));
    },
    'rotated by copytruncate': async (path) => {
      await appendFile(path, lines(5, 7));
      await copyFile(path, `${path}.1`);
      await truncate(path);
      await appendFile(path, lines(7, 9));
    },
    'rotated, no new file yet': async (path) => {
      await appendFile(path, lines(5, 9));
      await rename(path, `${path}-20261124`);
    },
  };
  for (const [name, meanwhile] of Object.entries(cases)) {
    const path = await place();
    await writeFile(path, lines(0, 5));
    const one = run(path);
    await waitFor(() => one.ids.length === 5);
    await one.stop();
    await meanwhile(path);
    const two = run(path, one.cursor);
    await waitFor(() => two.news.length >= 4);
    await sleep(50);
    t.same(two.news, [5, 6, 7, 8], name);
    t.same(two.ids.slice(0, 5), upTo(5), `${name}: the rest as history`);
    await two.stop();
  }
});

await t.test('rotated away and compressed: what is newer is read, the gap is told', async (t) => {
  const path = await place();
  await writeFile(path, lines(0, 5));
  const one = run(path);
  await waitFor(() => one.ids.length === 5);
  await one.stop();
  await rename(path, `${path}.2.gz`);
  await writeFile(path, lines(7, 9).replaceAll('11:59:00', '12:00:01'));
  await utimes(path, NOW / 1000 + 2, NOW / 1000 + 2);
  const two = run(path, one.cursor, { now: () => NOW + 5000 });
  await waitFor(() => two.news.length === 2);
  t.match(two.follower.state().lost, /lines may be missing/);
});

await t.test('may not be read: told, and retried', async (t) => {
  const path = await place();
  await writeFile(path, lines(0, 2));
  // The directory is root's alone.
  process.seteuid?.(65534);
  t.teardown(() => process.seteuid?.(0));
  const one = run(path);
  await waitFor(() => one.follower.state().trouble !== undefined);
  t.match(one.follower.state().trouble, /permission denied/);
  process.seteuid?.(0);
  await waitFor(() => one.ids.length === 2);
  t.same(one.history, [true, true]);
  t.equal(one.follower.state().trouble, undefined);
});

await t.test('a large backlog leaves the event loop its turns', async (t) => {
  const path = await place();
  const text = lines(0, 60_000);
  await writeFile(path, text);
  const one = run(path, undefined, { lookBack: { ...LOOK_BACK, bytes: 64 * 1024 * 1024 } });
  let turns = 0;
  while (one.ids.length < 60_000) {
    turns += 1;
    await setImmediate();
  }
  // A slice of 32 KB at a time, which takes 2 ms.
  t.ok(turns > text.length / 32_768, `${turns} turns`);
  t.same(one.ids, upTo(60_000));
  await waitFor(() => one.follower.state().behindBytes === 0);
});
