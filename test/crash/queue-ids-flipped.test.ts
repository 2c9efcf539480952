/** enable_long_queue_ids is switched, off and on again, and Postfix reloaded: held files are renamed. */
import t from 'tap';
import { fileKey } from '../../src/pace/queue-identity.ts';
import { burstOf, nothingLost, startCrashScene } from './crash.ts';

t.setTimeout(120_000);
const scene = await startCrashScene();
t.teardown(() => scene.stop());
const { postfix, postpace } = scene;

for (const to of ['no', 'yes']) {
  await t.test(`enable_long_queue_ids = ${to}`, { timeout: 60_000 }, async (t) => {
    const sinceMs = Date.now();
    t.equal((await postpace.cli('suspend', 'slow')).code, 0);
    await burstOf(scene, 12);
    const before = await scene.inHold();
    t.equal(before.length, 12, 'mail is held');
    await postfix.set({ enable_long_queue_ids: to });
    await postfix.reload();
    const after = await scene.inHold();
    const keys = new Set(before.map(fileKey));
    const renamed = after.filter((id) => !before.includes(id) && keys.has(fileKey(id)));
    const kept = after.filter((id) => before.includes(id));
    t.comment(`${renamed.length} of ${after.length} held files have a new name`);
    t.equal(renamed.length + kept.length, after.length, 'each is known by its old name');
    t.equal((await postpace.cli('resume', 'slow')).code, 0);
    await nothingLost(t, scene, sinceMs);
    const { held } = await postpace.control.status();
    t.same(held, { ours: 0, foreign: 0, unclaimed: 0 });
  });
}
