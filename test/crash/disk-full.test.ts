/** No space for the journal and the records: mail is taken, held and paced, a kill -9 included. */
import { readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Buffer } from 'node:buffer';
import t from 'tap';
import { command } from '../../lab/process.ts';
import { waitFor } from '../../lab/wait.ts';
import { burstOf, CONFIG, nothingLost, startCrashScene } from './crash.ts';

t.setTimeout(120_000);
const scene = await startCrashScene();
const { postpace } = scene;
const { stateDir } = postpace;
t.teardown(async () => {
  await postpace.stop();
  await command(['umount', stateDir]);
  await scene.stop();
});
await postpace.stop();
const mounted = await command(['mount', '-t', 'tmpfs', '-o', 'size=3m', 'none', stateDir]);
if (mounted.code !== 0) throw new Error(`mount: ${mounted.stderr}`);
// A quota is written before the answer, a pace each second: both meet the full disk.
const slow = { ...CONFIG.providers.slow, quotas: ['1000/h'] };
await postpace.configure({ ...CONFIG, providers: { slow } });
await postpace.start();
const filler = join(stateDir, 'filler');

async function fill(): Promise<void> {
  const { bavail, bsize } = await statfs(stateDir);
  await writeFile(filler, Buffer.alloc(bavail * bsize));
}

const said = (text: string) => postpace.log.filter((line) => line.includes(text)).length;

await t.test('mail is taken, and paced', { timeout: 60_000 }, async (t) => {
  await fill();
  t.equal((await statfs(stateDir)).bavail, 0, 'the disk is full');
  const sinceMs = Date.now();
  await burstOf(scene, 25);
  t.ok((await scene.inHold()).length > 5, 'mail is held');
  await waitFor(() => said("held.ndjson can't be written") > 0, { what: 'the log to tell' });
  await waitFor(() => said("limits.journal can't be written") > 0, { what: 'the log to tell' });
  await scene.arrived(scene.sent.length, undefined, 30_000);
  const { lost, duplicated } = scene.account();
  t.same({ lost, duplicated }, { lost: [], duplicated: [] });
  t.comment(`${Date.now() - sinceMs} ms for ${scene.sent.length} mails`);
});

await t.test('kill -9 while it is full: what is held is known to be ours', async (t) => {
  await burstOf(scene, 15);
  await postpace.kill('SIGKILL');
  t.ok((await scene.inHold()).length > 5);
  await postpace.start();
  await scene.arrived(scene.sent.length, undefined, 30_000);
  const { lost, duplicated } = scene.account();
  t.same({ lost, duplicated }, { lost: [], duplicated: [] });
  t.same(await scene.inHold(), []);
  t.same((await postpace.control.status()).held, { ours: 0, foreign: 0, unclaimed: 0 });
});

await t.test(
  'space again: the books are whole, and everything goes on',
  { timeout: 60_000 },
  async (t) => {
    await rm(filler);
    await waitFor(() => said('held.ndjson can be written again') > 0, { what: 'the records' });
    await waitFor(() => said('limits.journal is written again') > 0, { what: 'the journal' });
    const sinceMs = Date.now();
    await burstOf(scene, 10);
    const held = await scene.inHold();
    const book = await readFile(join(stateDir, 'held.ndjson'), 'utf8');
    t.ok(
      held.every((id) => book.includes(id)),
      'what is held is in the book',
    );
    await nothingLost(t, scene, sinceMs);
  },
);
