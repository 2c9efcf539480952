/**
 * Mails at once under a pace and the quotas of an hour and a day (20/min burst 3, 300/h, 1500/day,
 * with windows a sixtieth as long): the second half waits for the hour's quota, and status says from
 * the start when the last one leaves. All 600 of them run in test/long.
 */
import t from 'tap';
import { overruns, type Promised } from '../../lab/ledger.ts';
import { startScene } from './scene.ts';

export interface Case {
  readonly mails: number;
  /** What the hour's quota admits, and how long its window is here. */
  readonly hour: number;
  readonly hourMs: number;
  readonly day: number;
}

export async function lastLeavesWhenSaid({ mails, hour, hourMs, day }: Case): Promise<void> {
  const pace: Promised = { count: 20, windowMs: 1000, burst: 3 };
  const perHour: Promised = { count: hour, windowMs: hourMs };
  const perDay: Promised = { count: day, windowMs: hourMs * 24 };
  const scene = await startScene({
    sinks: { 'utc.example': {} },
    config: {
      providers: {
        university: {
          domains: ['utc.example'],
          pace: '20/s',
          burst: 3,
          quotas: [`${hour}/${hourMs}ms`, `${day}/${hourMs * 24}ms`],
          in_flight: 1000,
        },
      },
    },
  });
  t.setTimeout(hourMs * 3 + 90_000);
  t.teardown(() => scene.stop());

  await t.test(`the last of ${mails} leaves when arithmetic and status say`, async (t) => {
    // A slow machine takes its time for the burst: they all start to leave together.
    await scene.tell('suspend', 'university');
    const sent = await scene.burst({
      mails,
      connections: 100,
      from: 'mattermost@app.example',
      to: (i) => `member${i}@utc.example`,
    });
    t.same([...new Set(sent.map(({ code }) => code))], [250], 'every mail has its 250');
    t.equal((await scene.provider('university')).lastRelease, null, 'no date while suspended');
    await scene.tell('resume', 'university');
    const { lastRelease } = await scene.provider('university');

    await scene.arrived(mails, 'utc.example', hourMs * 2 + 30_000);
    const { lost, duplicated } = scene.account();
    t.same({ lost, duplicated }, { lost: [], duplicated: [] });

    const admitted = (await scene.admissions('university')).map(({ atMs }) => atMs);
    t.equal(admitted.length, mails, 'each was admitted once');
    t.same(overruns(admitted, [pace, perHour, perDay]), [], 'no window beyond the promise');
    const lastMs = Math.max(...admitted);
    const tookMs = lastMs - Math.min(...admitted);
    const expectedMs = lastAfterMs(mails, pace, perHour);
    // A quota's oldest sixtieth is counted whole.
    const latestMs = expectedMs + hourMs / 60;
    const offMs = lastMs - (lastRelease ?? 0);
    t.comment(
      `took ${Math.round(tookMs)} ms, expected ${expectedMs} to ${latestMs}; ` +
        `status was ${Math.round(offMs)} ms off`,
    );
    t.ok(tookMs > expectedMs - 1, `not before ${expectedMs} ms: ${tookMs}`);
    t.ok(tookMs < latestMs + 2000, `not after ${latestMs} ms: ${tookMs}`);
    t.ok(Math.abs(offMs) < 2000, `status had said so from the start: ${offMs} ms off`);
  });
}

/** When the last may leave, counted from the first, by the limits as they are written. */
function lastAfterMs(mails: number, { count, windowMs, burst = 1 }: Promised, hour: Promised) {
  const intervalMs = windowMs / count;
  const leaves: number[] = [];
  let paidMs = 0;
  for (let i = 0; i < mails; i++) {
    // Paced, but for a burst that a pause has earned; and not within an hour of the one so far back.
    const pacedMs = paidMs - (burst - 1) * intervalMs;
    const roomMs = (leaves[i - hour.count] ?? -hour.windowMs) + hour.windowMs;
    const atMs = Math.max(0, pacedMs, roomMs);
    leaves.push(atMs);
    paidMs = Math.max(paidMs, atMs) + intervalMs;
  }
  return leaves.at(-1) ?? 0;
}
