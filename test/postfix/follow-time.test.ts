/** The follower through the turns of the clock and of the year: stamps are local and have no year. */
import { appendFile, mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { waitFor } from '../../lab/wait.ts';
import type { Followed, LogCursor } from '../../src/postfix/follow.ts';
import { FileFollower } from '../../src/postfix/follow-file.ts';
import { readStamp } from '../../src/postfix/stamp.ts';
import { eventsOf } from './events-of.ts';

process.env['TZ'] = 'Europe/Paris';
const LOOK_BACK = { bytes: 1024 * 1024, ms: 24 * 60 * 60 * 1000 };
const MINUTE_MS = 60_000;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** As syslogd writes it, in the time of its zone. */
function stamp(atMs: number): string {
  const at = new Date(atMs);
  const day = String(at.getDate()).padStart(2, ' ');
  return `${MONTHS[at.getMonth()]} ${day} ${at.toTimeString().slice(0, 8)}`;
}

function line(atMs: number, id: number): string {
  return `${stamp(atMs)} mx postfix/qmgr[12]: ${String(id).padStart(8, '0')}: removed\n`;
}

/** A follower with a clock that the test sets. */
function run(path: string, startMs: number, cursor?: LogCursor) {
  const found: { readonly id: number; readonly atMs: number; readonly history: boolean }[] = [];
  const clock = { nowMs: startMs, aheadMs: 0 };
  const follower = new FileFollower(path, {
    cursor,
    lookBack: LOOK_BACK,
    now: () => clock.nowMs,
    aheadMs: () => clock.aheadMs,
    pollMs: 20,
  });
  const mine = { found, clock, follower, cursor, stop };
  const keep = ({ event, history, cursor: behind }: Followed): void => {
    if (event.kind !== 'removed') return;
    found.push({ id: Number(event.queueId), atMs: event.atMs, history });
    mine.cursor = behind;
  };
  const read = async () => {
    for await (const followed of eventsOf(follower)) keep(followed);
  };
  const ended = read();
  async function stop(): Promise<void> {
    follower.close();
    await ended;
  }
  t.teardown(stop);
  return mine;
}

async function place(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'postpace-time-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  return join(directory, 'mail.log');
}

const TURNS: readonly [name: string, turnMs: number, zone?: string][] = [
  ['the clock is put back: 02:00 to 03:00 comes twice', Date.UTC(2026, 9, 25, 1)],
  ['the clock is put forward: there is no 02:30', Date.UTC(2026, 2, 29, 1)],
  ['put back by half an hour', Date.UTC(2026, 3, 4, 15), 'Australia/Lord_Howe'],
  ['put back by two hours', Date.UTC(2026, 9, 25, 1), 'Antarctica/Troll'],
  ['the year ends', new Date(2027, 0, 1).getTime()],
  ['the leap day', new Date(2028, 1, 29).getTime()],
];
for (const [name, turnMs, zone = 'Europe/Paris'] of TURNS) {
  await t.test(`${name}: each line has the time at which it came`, async (t) => {
    process.env['TZ'] = zone;
    t.teardown(() => (process.env['TZ'] = 'Europe/Paris'));
    const path = await place();
    const minutes = Array.from({ length: 30 }, (_, i) => turnMs + (i - 15) * 10 * MINUTE_MS + 7000);
    await writeFile(path, '');
    const live = run(path, minutes[0]! - MINUTE_MS);
    await waitFor(() => live.follower.state().caughtUp);
    let next = live;
    for (const [id, atMs] of minutes.entries()) {
      next.clock.nowMs = atMs + 300;
      await appendFile(path, line(atMs, id));
      await waitFor(() => next.found.some((one) => one.id === id), {
        what: String(id),
        everyMs: 5,
      });
      t.same(next.found.at(-1), { id, atMs, history: false }, stamp(atMs));
      // Before, at and behind the turn: what was read is history, what comes is news.
      if (id % 10 !== 9) continue;
      await next.stop();
      next = run(path, atMs + 1000, next.cursor);
      await waitFor(() => next.follower.state().caughtUp);
      t.same(
        next.found.map(({ history }) => history),
        Array.from({ length: id + 1 }, () => true),
      );
    }
  });
}

await t.test('of two hours with one name the last that has come is meant', (t) => {
  const [first, second] = [Date.UTC(2026, 9, 25, 0, 30), Date.UTC(2026, 9, 25, 1, 30)];
  const forms = ['Oct 25 02:30:00 mx', '2026 Oct 25 02:30:00 mx', '2026-10-25 02:30:00 mx'];
  for (const text of forms) {
    t.equal(readStamp(text, first + 59 * MINUTE_MS - 1000)?.atMs, first, `${text}, read late`);
    t.equal(readStamp(text, second - 30_000)?.atMs, second, `${text}, from a clock that is ahead`);
    t.equal(readStamp(text, second + 600 * MINUTE_MS)?.atMs, second, `${text}, read much later`);
  }
  t.end();
});

await t.test('last year is history, and is read as what it is', async (t) => {
  const path = await place();
  const newYear = new Date(2027, 0, 1, 0, 0, 30).getTime();
  await writeFile(path, line(newYear - 40_000, 1) + line(newYear - 20_000, 2));
  const one = run(path, newYear);
  await waitFor(() => one.found.length === 2);
  t.same(one.found, [
    { id: 1, atMs: newYear - 40_000, history: true },
    { id: 2, atMs: newYear - 20_000, history: true },
  ]);
  await one.stop();
  // Replaced while nobody read: by their times, across the year's end, lines are old or new.
  await rename(path, `${path}.1.gz`);
  const ours = { ...one.cursor!, atMs: newYear - 35_000 };
  await writeFile(path, line(newYear - 40_000, 3) + line(newYear - 25_000, 4) + line(newYear, 5));
  await utimes(path, newYear / 1000, newYear / 1000);
  const two = run(path, newYear + 5000, ours);
  await waitFor(() => two.found.length === 3);
  t.same(
    two.found.map(({ history }) => history),
    [true, false, false],
  );
  t.match(two.follower.state().lost, /lines may be missing/);
});

await t.test(
  'a stamp from the future is taken for now, and keeps nothing from being news',
  async (t) => {
    const path = await place();
    const noon = new Date(2026, 10, 24, 12).getTime();
    await writeFile(path, '');
    const one = run(path, noon);
    await waitFor(() => one.follower.state().caughtUp);
    const far = line(noon, 2).replace(/^.{15}/, '2099-01-01T00:00:00+00:00');
    await appendFile(path, line(noon + 3_600_000, 1) + far + line(noon - 1000, 3));
    await waitFor(() => one.found.length === 3);
    t.same(
      one.found.map(({ atMs, history }) => [atMs, history]),
      [
        [noon, false],
        [noon, false],
        [noon - 1000, false],
      ],
    );
    await one.stop();
    await rm(path);
    await writeFile(path, line(noon + 60_000, 4));
    const two = run(path, noon + 120_000, { ...one.cursor!, atMs: noon });
    await waitFor(() => two.found.length === 1);
    t.same(two.found, [{ id: 4, atMs: noon + 60_000, history: false }]);
  },
);

await t.test(
  'the machine’s clock is set: what comes has still the time at which it comes',
  async (t) => {
    const path = await place();
    const noon = new Date(2026, 10, 24, 12).getTime();
    await writeFile(path, '');
    const one = run(path, noon);
    await waitFor(() => one.follower.state().caughtUp);
    for (const [id, aheadMs] of [0, 86_400_000 * 40, -3_600_000].entries()) {
      one.clock.nowMs += 60_000;
      one.clock.aheadMs = aheadMs;
      await appendFile(path, line(one.clock.nowMs - aheadMs, id));
      await waitFor(() => one.found.length === id + 1);
      t.same(one.found.at(-1), { id, atMs: one.clock.nowMs, history: false });
    }
  },
);
