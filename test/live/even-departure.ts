/**
 * So many mails at once to one provider at 5/s, burst 1: they leave one by one, evenly, while mail
 * to others is not touched. The full number runs in test/long.
 */
import t from 'tap';
import { fullestWindow, gaps, overruns } from '../../lab/ledger.ts';
import { startScene } from './scene.ts';

export async function leavesEvenly(mails: number): Promise<void> {
  const scene = await startScene({
    sinks: { 'slow.example': {} },
    config: {
      default: { pace: 'none' },
      providers: {
        slow: { domains: ['slow.example'], pace: '5/s', burst: 1, quotas: [], in_flight: 1000 },
      },
    },
  });
  t.setTimeout(mails * 200 + 90_000);
  t.teardown(() => scene.stop());

  await t.test(`${mails} at once leave at 5/s, one by one`, async (t) => {
    const sent = await scene.burst({
      mails,
      from: 'mattermost@app.example',
      to: (i) => `member${i}@slow.example`,
    });
    t.same([...new Set(sent.map(({ code }) => code))], [250], 'every mail has its 250');
    const { held, lastRelease } = await scene.provider('slow');
    t.ok(held > 0, `${held} wait`);

    const other = await scene.burst({
      mails: 5,
      from: 'mattermost@app.example',
      to: (i) => `friend${i}@other.example`,
    });
    await scene.arrived(5, '*', 10_000);
    for (const { serial, startedAtMs } of other) {
      const arrival = scene.sink().deliveries.find((one) => one.serial === serial);
      const tookMs = (arrival?.atMs ?? Infinity) - startedAtMs;
      t.ok(tookMs < 2000, `mail to an unlimited provider came after ${Math.round(tookMs)} ms`);
    }

    await scene.arrived(mails, 'slow.example', mails * 200 + 15_000);
    const { lost, duplicated, unknown, delivered } = scene.account();
    t.same({ lost, duplicated, unknown }, { lost: [], duplicated: [], unknown: [] });
    t.equal(delivered, mails + 5);

    const arrivals = scene.sink('slow.example').deliveries.map(({ mailAtMs }) => mailAtMs);
    const { p50Ms, p99Ms } = gaps(arrivals);
    t.comment(`gaps between arrivals: p50 ${p50Ms.toFixed(1)}, p99 ${p99Ms.toFixed(1)} ms`);
    // The figures themselves are for the full number, in test/long; a busy machine blurs few mails.
    const exact = mails >= 200;
    const most = exact ? 210 : 280;
    t.ok(p50Ms > 190 && p50Ms < most, `the gap of most is about 200 ms: ${p50Ms}`);
    if (exact) t.ok(p99Ms < 450, `99 of 100 gaps are shorter than 450 ms: ${p99Ms}`);
    const offMs = Math.max(...arrivals) - (lastRelease ?? 0);
    t.ok(
      Math.abs(offMs) < (exact ? 1000 : 3000),
      `the last one left when status said: ${offMs} ms`,
    );

    const admitted = (await scene.admissions('slow')).map(({ atMs }) => atMs);
    t.equal(admitted.length, mails, 'each was admitted once');
    const { p50Ms: admittedMs } = gaps(admitted);
    t.comment(`gaps between admissions: p50 ${admittedMs.toFixed(1)} ms`);
    for (const windowMs of [200, 1000, 3000, 10_000]) {
      const promise = { count: windowMs / 200, windowMs, burst: 1 };
      t.same(overruns(admitted, [promise]), [], `no ${windowMs} ms with more than promised`);
    }
    t.equal(fullestWindow(admitted, 200).count, 1);
  });
}
