/** Postfix stops, starts and reloads while mail is held and being released. */
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { burstOf, nothingLost, startCrashScene } from './crash.ts';

t.setTimeout(120_000);
const scene = await startCrashScene();
t.teardown(() => scene.stop());
const { postfix } = scene;

await t.test('stopped and started', { timeout: 60_000 }, async (t) => {
  await burstOf(scene, 12);
  await scene.arrived(3, undefined, 20_000);
  await postfix.halt();
  const before = scene.deliveries.length;
  // At the pace ten could be released meanwhile: all at once when it comes back, if they were.
  await sleep(2000);
  t.equal(scene.deliveries.length, before, 'nothing leaves without Postfix');
  await postfix.start();
  await nothingLost(t, scene);
});

await t.test('reloaded again and again', { timeout: 60_000 }, async (t) => {
  const sinceMs = Date.now();
  await burstOf(scene, 10);
  for (let times = 0; times < 3; times += 1) {
    await postfix.reload();
    await sleep(300);
  }
  await nothingLost(t, scene, sinceMs);
});
