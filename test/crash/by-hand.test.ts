/** An administrator deletes, releases and holds messages of ours with postsuper. */
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { waitFor } from '../../lab/wait.ts';
import { burstOf, CONFIG, DOMAIN, keptPace, startCrashScene } from './crash.ts';

t.setTimeout(120_000);
const scene = await startCrashScene({
  postfix: { main: { queue_run_delay: '600s' } },
  config: { ...CONFIG, providers: { slow: { ...CONFIG.providers.slow, pace: '1/s' } } },
});
t.teardown(() => scene.stop());
const { postfix, postpace } = scene;
const sent = await burstOf(scene, 8);
const serialOf = (queueId: string) => sent.find((one) => one.queueId === queueId)?.serial ?? '';
const arrivals = (queueId: string) =>
  scene.deliveries.filter(({ serial }) => serial === serialOf(queueId)).length;
const records = () => postpace.control.held({});
// The last in line, so that none of them leaves by itself meanwhile.
const [held, released, deleted] = (await scene.inHold())
  .toSorted((a, b) => order(a) - order(b))
  .toReversed();

function order(queueId: string): number {
  return sent.findIndex((one) => one.queueId === queueId);
}

// The log has whole seconds: what is done by hand in the second of our hold is taken for an older line.
await sleep(1100);

await t.test('deleted: forgotten', async (t) => {
  await postfix.command(['postsuper', '-d', deleted ?? '']);
  await waitFor(async () => !(await records()).some(({ queueId }) => queueId === deleted));
  t.equal(arrivals(deleted ?? ''), 0);
});

await t.test('released and held again: the hold is the administrator’s', async (t) => {
  // Otherwise a wake-up of postpace's for other mail would take it along in between. The last one
  // may still be under way.
  await postpace.kill('SIGSTOP');
  await sleep(500);
  await postfix.command(['postsuper', '-H', held ?? '']);
  await postfix.command(['postsuper', '-h', held ?? '']);
  await postpace.kill('SIGCONT');
  const report = await waitFor(async () =>
    (await records()).find(({ queueId, owner }) => queueId === held && owner === 'foreign'),
  );
  t.match(report.why, /by hand/);
});

await t.test('released: leaves once, and is charged', async (t) => {
  await postfix.command(['postsuper', '-H', released ?? '']);
  await waitFor(() => arrivals(released ?? '') > 0, { what: 'the released one to arrive' });
  t.equal(arrivals(released ?? ''), 1);
  t.ok(postpace.log.some((line) => line.includes('released by hand: charged')));
});

await t.test(
  'all others leave, once each, and the foreign one stays',
  { timeout: 40_000 },
  async (t) => {
    await scene.arrived(sent.length - 2, DOMAIN, 30_000);
    t.same(await scene.inHold(), [held]);
    const { lost, duplicated } = scene.account();
    t.same(duplicated, []);
    t.equal(lost.length, 2, 'the deleted one and the one that is held by hand');
    await keptPace(t, scene);
  },
);
