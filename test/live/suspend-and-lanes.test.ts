/** A suspended provider's mail waits while all others flow; better lanes overtake; senders share. */
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { gaps, overruns } from '../../lab/ledger.ts';
import { startScene } from './scene.ts';

const limits = { pace: '10/s', burst: 1, quotas: [], in_flight: 1000 };
const scene = await startScene({
  sinks: { 'stopped.example': {}, 'lanes.example': {}, 'shared.example': {} },
  config: {
    default: { pace: 'none' },
    providers: {
      stopped: { domains: ['stopped.example'], ...limits },
      lanes: { domains: ['lanes.example'], ...limits },
      shared: { domains: ['shared.example'], ...limits },
    },
    lanes: {
      transactional: { senders: ['reset@app.example'] },
      bulk: { senders: ['@news.example'] },
    },
  },
});
t.setTimeout(200_000);
t.teardown(() => scene.stop());

const order = (domain: string) =>
  scene
    .sink(domain)
    .deliveries.toSorted((a, b) => a.atMs - b.atMs)
    .map(({ sender }) => sender);

await t.test('a suspended provider waits, all others flow, resume drains at pace', async (t) => {
  await scene.tell('suspend', 'stopped', '--reason', 'their postmaster asked');
  const sent = await scene.burst({
    mails: 80,
    from: 'app@app.example',
    to: (i) => `u${i}@${i % 2 === 0 ? 'stopped.example' : `free${i % 5}.example`}`,
  });
  t.same([...new Set(sent.map(({ code }) => code))], [250]);
  await scene.arrived(40, '*', 5000);
  await sleep(1000);
  t.equal(scene.sink('stopped.example').deliveries.length, 0);
  const { suspended, held } = await scene.provider('stopped');
  t.equal(held, 40);
  t.match(suspended?.why, /their postmaster asked/);

  const resumedMs = Date.now();
  await scene.tell('resume', 'stopped');
  await scene.arrived(40, 'stopped.example', 20_000);
  const admitted = (await scene.admissions('stopped')).map(({ atMs }) => atMs);
  t.equal(admitted.length, 40);
  t.ok(Math.min(...admitted) >= resumedMs - 1);
  t.same(overruns(admitted, [{ count: 10, windowMs: 1000, burst: 1 }]), []);
  const { p50Ms } = gaps(admitted);
  t.ok(p50Ms > 99 && p50Ms < 130, `drained at pace: ${p50Ms} ms`);
});

await t.test('a mail of a better lane overtakes 100 that wait', async (t) => {
  await scene.burst({ mails: 100, from: 'weekly@news.example', to: (i) => `u${i}@lanes.example` });
  const { held } = await scene.provider('lanes');
  t.ok(held > 50, `${held} wait`);
  await scene.burst({ mails: 1, from: 'reset@app.example', to: () => 'someone@lanes.example' });
  const before = scene.sink('lanes.example').deliveries.length;
  await scene.arrived(before + 12, 'lanes.example', 10_000);
  const place = order('lanes.example').indexOf('reset@app.example');
  t.ok(
    place >= 0 && place <= before + 6,
    `${before} had arrived before, it came as number ${place}`,
  );
  // The rest of the newsletter is not waited for.
  await scene.tell('held', 'release', '--provider', 'lanes');
});

await t.test('two senders share a provider fairly', async (t) => {
  await scene.burst({ mails: 60, from: 'chat@app.example', to: (i) => `u${i}@shared.example` });
  await scene.burst({ mails: 15, from: 'drop@app.example', to: (i) => `v${i}@shared.example` });
  await scene.arrived(75, 'shared.example', 20_000);
  const senders = order('shared.example');
  const first = senders.indexOf('drop@app.example');
  const last = senders.lastIndexOf('drop@app.example');
  t.ok(last - first <= 2 * 15 + 2, `they took turns from ${first} to ${last} of ${senders.length}`);
  const { lost, duplicated } = scene.account();
  t.same({ lost, duplicated }, { lost: [], duplicated: [] });
});
