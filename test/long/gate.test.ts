/** A gate at the sizes that it is made for. */
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { Test } from 'tap';
import { gaps, overruns } from '../../lab/ledger.ts';
import { type GateStage, longestGapMs, slowestMs, startGate } from '../live/gate-stage.ts';

t.setTimeout(3_000_000);

function noneLost(t: Test, stage: GateStage): void {
  const { lost, duplicated, refused } = stage.account();
  t.same({ lost, duplicated, refused }, { lost: [], duplicated: [], refused: 0 });
}

await t.test('300 mails at 5/s: no empty second, no 451; others are not delayed', async (t) => {
  const stage = await startGate({ 'slow.example': '5/s', 'free.example': 'none' }, ['o.example']);
  t.teardown(() => stage.stop());
  const others = (serialPrefix: string) =>
    Promise.all(
      ['free.example', 'o.example'].map((domain) =>
        stage.burst({
          mails: 20,
          connections: 2,
          from: 'app@lab.test',
          to: (i) => `x${i}@${domain}`,
          serialPrefix: `${serialPrefix}-${domain}`,
        }),
      ),
    );
  await others('warm');
  await others('alone');
  await stage.arrived('o.example', 40, 30_000);
  await stage.burst({ mails: 300, from: 'app@lab.test', to: (i) => `u${i}@slow.example` });
  await others('beside');
  await stage.arrived('slow.example', 300, 120_000);
  const admitted = await stage.admissions('slow.example');
  const firstMs = Math.min(...admitted);
  const seconds = new Set(admitted.map((at) => Math.floor((at - firstMs) / 1000)));
  const spanMs = Math.max(...admitted) - firstMs;
  t.comment(`drained in ${Math.round(spanMs)} ms; gaps ${JSON.stringify(gaps(admitted))}`);
  t.equal(admitted.length, 300);
  t.equal(seconds.size, Math.floor(spanMs / 1000) + 1, 'no empty second');
  t.same(overruns(admitted, [{ count: 5, windowMs: 1000, burst: 1 }]), []);
  t.ok(spanMs < 66_000, `${Math.round(spanMs)} ms, 59,800 at best`);
  t.equal(await stage.refusals(), 0, 'no 451 below the cap');
  for (const domain of ['free.example', 'o.example']) {
    const [alone, beside] = ['alone', 'beside'].map((prefix) =>
      slowestMs(stage, domain, `${prefix}-${domain}`),
    );
    t.comment(
      `${domain}: slowest ${Math.round(alone ?? NaN)} ms alone, ${Math.round(beside ?? NaN)} beside`,
    );
    t.ok((beside ?? NaN) - (alone ?? NaN) < 1000, `${domain} is delayed by less than a second`);
  }
  noneLost(t, stage);
});

await t.test('one in 30 s: each on its turn, none refused', async (t) => {
  const stage = await startGate({ 'slow.example': '1/30s' }, []);
  t.teardown(() => stage.stop());
  await stage.burst({ mails: 4, from: 'app@lab.test', to: (i) => `u${i}@slow.example` });
  await stage.arrived('slow.example', 4, 150_000);
  const admitted = await stage.admissions('slow.example');
  const { mostMs, p50Ms } = gaps(admitted);
  t.comment(`gaps: median ${Math.round(p50Ms)} ms, longest ${Math.round(mostMs)} ms`);
  t.same(overruns(admitted, [{ count: 1, windowMs: 30_000, burst: 1 }]), []);
  t.ok(mostMs < 32_000, `${Math.round(mostMs)} ms`);
  t.equal(await stage.refusals(), 0);
  noneLost(t, stage);
});

await t.test(
  '5,000 at 40/s, postpace killed among them: at pace, nothing lost or twice',
  async (t) => {
    const stage = await startGate({ 'slow.example': '40/s' }, ['o.example']);
    t.teardown(() => stage.stop());
    await stage.burst({ mails: 5000, from: 'app@lab.test', to: (i) => `u${i}@slow.example` });
    const [backlog = ''] =
      (await stage.first.command(['postqueue', '-p'])).stdout.match(/in \d+ Requests?/) ?? [];
    t.comment(`backlog when the application was done: ${backlog}`);
    await stage.arrived('slow.example', 2500, 300_000);
    const before = await stage.admissions('slow.example');
    t.same(overruns(before, [{ count: 40, windowMs: 1000, burst: 1 }]), []);
    t.ok(longestGapMs(before) < 1000, `longest gap ${Math.round(longestGapMs(before))} ms`);
    t.equal(await stage.refusals(), 0, 'no 451 while it was well');
    await stage.postpace.kill('SIGKILL');
    await sleep(500);
    await stage.postpace.start();
    await stage.arrived('slow.example', 5000, 600_000);
    noneLost(t, stage);
  },
);
