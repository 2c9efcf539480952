/** kill -9 while the journal and the records are appended to, and while each is written anew. */
import { appendFile } from 'node:fs/promises';
import { watch } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { encodeLine as heldLine } from '../../src/pace/held-line.ts';
import { encodeLine as journalLine } from '../../src/store/line.ts';
import { burstOf, killed, nothingLost, startCrashScene } from '../crash/crash.ts';

t.setTimeout(120_000);
const scene = await startCrashScene();
t.teardown(() => scene.stop());
const { postpace } = scene;

await t.test('three times in the middle of a burst', { timeout: 60_000 }, async (t) => {
  const sinceMs = Date.now();
  const sent = burstOf(scene, 15);
  for (const afterMs of [50, 700, 1300]) {
    await sleep(afterMs);
    await postpace.kill('SIGKILL');
    await postpace.start();
  }
  await sent;
  await nothingLost(t, scene, sinceMs);
});

/** Lines that make the next run write the file anew, and take it a while. */
const grown: Record<string, () => Generator<string>> = {
  *'held.ndjson'() {
    const record = {
      formerIds: [],
      sender: 'a@app.example',
      recipients: ['b@gone.example'],
      lane: 'default',
      arrivedMs: 0,
      heldMs: 0,
      why: 'pace',
      deferrals: 0,
      wasDeferred: false,
      notBeforeMs: 0,
    };
    for (let i = 0; i < 5000; i += 1) {
      const queueId = `GROWN${i}`;
      yield heldLine({ op: 'held', ...record, queueId });
      yield heldLine({ op: 'gone', queueId });
    }
  },
  *'limits.journal'() {
    const nowUs = Date.now() * 1000;
    for (let i = 0; i < 20_000; i += 1) {
      const history = [nowUs, 1];
      yield journalLine(['account', `d${i}.example`, nowUs, 1000, 86_400, history, [], []]);
    }
    // A clock that was ahead: then it is written anew at once.
    yield journalLine(['time', nowUs + 3_600_000_000]);
  },
};

for (const [name, lines] of Object.entries(grown)) {
  await t.test(`${name} is written anew`, { timeout: 60_000 }, async (t) => {
    const sinceMs = Date.now();
    await burstOf(scene, 12);
    await postpace.kill('SIGKILL');
    const path = join(postpace.stateDir, name);
    await appendFile(path, [...lines()].join(''));
    // Told by the kernel: the new file is there for some milliseconds only.
    const watcher = watch(postpace.stateDir, (_, file) => {
      if (file === `${name}.new` && postpace.pid !== undefined)
        process.kill(postpace.pid, 'SIGKILL');
    });
    await postpace.start().catch(() => undefined);
    await killed(scene);
    watcher.close();
    await postpace.start();
    await nothingLost(t, scene, sinceMs);
  });
}
