import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { LogWatch } from '../../src/postfix/log-watch.ts';

/** Longer than the test: whoever waits for the poll fails. */
const NEVER_MS = 1e9;

const directory = await mkdtemp(join(tmpdir(), 'postpace-watch-'));
t.teardown(() => rm(directory, { recursive: true }));
const path = join(directory, 'log');
await writeFile(path, '');

t.test('a change ends the pause, also one that came before it', async (t) => {
  const watch = new LogWatch(path, NEVER_MS);
  t.teardown(() => watch.close());
  watch.start();
  const waiting = watch.pause();
  await appendFile(path, 'a\n');
  await waiting;
  await appendFile(path, 'b\n');
  await sleep(50);
  await watch.pause();
  t.pass('both were told');
});

t.test(
  'a busy log is looked at without being told, and a quiet one is told of again',
  async (t) => {
    const watch = new LogWatch(path, NEVER_MS);
    t.teardown(() => watch.close());
    watch.start();
    await watch.after(1e6);
    await watch.after(2000);
    // Once more at once: what came between the last look and the watch is read.
    await watch.after(0);
    const waiting = watch.after(0);
    await appendFile(path, 'c\n');
    await waiting;
    t.pass('told again');
  },
);

t.test('the poll looks where nobody tells, and the end ends a pause', async (t) => {
  const nobody = new LogWatch(join(directory, 'missing'), 1);
  nobody.start();
  await nobody.pause();
  nobody.close();
  const watch = new LogWatch(path, NEVER_MS);
  const waiting = watch.pause();
  watch.close();
  await waiting;
  t.pass('ended');
});
