/** A gate: the application gets its 250 at once, mail waits for its turn, other providers' does not. */
import t from 'tap';
import { overruns } from '../../lab/ledger.ts';
import { longestGapMs, slowestMs, startGate } from '../live/gate-stage.ts';

const stage = await startGate({ 'slow.example': '10/s', 'free.example': 'none' }, [
  'other.example',
]);
t.setTimeout(120_000);
t.teardown(() => stage.stop());

await t.test('40 at 10/s: evenly, no 451, and the others do not wait behind them', async (t) => {
  const slow = await stage.burst({
    mails: 40,
    from: 'app@lab.test',
    to: (i) => `u${i}@slow.example`,
  });
  t.same([...new Set(slow.map(({ code }) => code))], [250]);
  await stage.burst({ mails: 5, from: 'app@lab.test', to: (i) => `f${i}@free.example` });
  await stage.burst({ mails: 5, from: 'app@lab.test', to: (i) => `o${i}@other.example` });
  await stage.arrived('slow.example', 40, 60_000);
  for (const domain of ['free.example', 'other.example']) {
    t.equal(stage.times(domain).length, 5, domain);
    t.ok(slowestMs(stage, domain) < 4000, `${domain}: ${Math.round(slowestMs(stage, domain))} ms`);
  }
  t.equal(await stage.refusals(), 0);
  const admitted = await stage.admissions('slow.example');
  t.equal(admitted.length, 40);
  t.same(overruns(admitted, [{ count: 10, windowMs: 1000, burst: 1 }]), []);
  t.ok(longestGapMs(admitted) < 1000, `longest gap ${Math.round(longestGapMs(admitted))} ms`);
});

await t.test(
  'postpace is killed while it makes others wait: nothing lost, nothing twice',
  async (t) => {
    await stage.burst({ mails: 25, from: 'app@lab.test', to: (i) => `k${i}@slow.example` });
    await stage.arrived('slow.example', 45, 20_000);
    await stage.postpace.kill('SIGKILL');
    await stage.postpace.start();
    await stage.arrived('slow.example', 65, 60_000);
    const { lost, duplicated, accepted } = stage.account();
    t.same({ lost, duplicated, accepted }, { lost: [], duplicated: [], accepted: 75 });
    t.ok((await stage.refusals()) > 0, 'those that waited were refused by the default action');
    const [slow] = (await stage.postpace.control.status('slow.example')).providers;
    t.equal(slow?.trouble, null, 'our own 451 is no trouble of the provider');
  },
);
