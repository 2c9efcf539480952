import t from 'tap';
import { deferral } from '../pace/log-events.ts';
import { pace } from '../pace/pacing.ts';
import { openTarget } from './control-target.ts';

t.test('what a provider holds, by lane, and when it leaves', async (t) => {
  const { target, send, time } = await openTarget(t, { utc: pace(60) });
  const startMs = time.nowMs();
  await send('ID00000', 'a@utc.example');
  for (let i = 1; i <= 5; i++) await send(`ID0000${i}`, ['a@etu.utc.example', 'b@utc.example']);
  await send('BULK001', 'a@utc.example', 'bulk@example.org');
  await time.advance(10);
  const [report] = await target.limits('utc');
  t.match(report, {
    provider: 'utc',
    name: 'UTC',
    held: 6,
    heldByLane: { default: 5, bulk: 1 },
    sent: { minute: 1 },
    trouble: null,
    suspended: null,
  });
  t.equal(report?.nextRelease, startMs + 1000);
  t.equal(report?.lastRelease, startMs + 11_000, '11 recipients, one a second');
});

t.test('the forecast comes true', async (t) => {
  const { target, send, time, postfix } = await openTarget(t, { utc: pace(20, 3) });
  const startMs = time.nowMs();
  for (let i = 0; i < 30; i++) await send(`ID000${10 + i}`, 'a@utc.example');
  await time.advance(5);
  const promised = new Map(
    (await target.held({})).map(({ queueId, leavesAt }) => [queueId, leavesAt]),
  );
  const left = new Map<string, number>();
  postfix.onRelease = ({ queueId }) => left.set(queueId, time.nowMs());
  await time.advance(200_000);
  t.equal(left.size, 27);
  for (const [queueId, atMs] of left) {
    const error = atMs - (promised.get(queueId) ?? 0);
    if (Math.abs(error) > 50) t.fail(`${queueId}: ${error} ms beside ${atMs - startMs}`);
  }
});

t.test('nobody knows when: no date is promised', async (t) => {
  const { target, send, pacer, time, postfix } = await openTarget(t, { utc: pace(60) });
  await send('ID00001', 'a@utc.example');
  postfix.put('ID00001', 'deferred');
  await pacer.see(deferral('ID00001', 'a@utc.example', time.nowMs()));
  await send('ID00002', 'a@utc.example');
  const [report] = await target.limits('utc');
  t.match(report?.trouble, { since: time.nowMs(), nextProbe: time.nowMs() + 60_000, reply: /421/ });
  t.equal(report?.lastRelease, null);
  await time.advance(200);
  const held = await target.held({});
  t.equal(held.find(({ queueId }) => queueId === 'ID00002')?.leavesAt, null);
  t.equal(held.find(({ queueId }) => queueId === 'ID00001')?.deferrals, 1);
  t.equal((await target.limits('utc'))[0]?.held, 2, 'what waits out its backoff counts');
});

t.test('suspended without end: no date either', async (t) => {
  const { target, send } = await openTarget(t, { utc: pace(60) });
  await target.suspend('utc', 'root');
  await send('ID00001', 'a@utc.example');
  const [report] = await target.limits('utc');
  t.equal(report?.lastRelease, null);
  t.equal((await target.held({}))[0]?.leavesAt, null);
});

t.test('of mail to two providers the later one tells', async (t) => {
  const { target, hold, time } = await openTarget(t, { utc: pace(60), others: pace(1) });
  hold('FIRST01', 'a@other.example');
  hold('FIRST02', 'a@utc.example');
  await time.advance(5);
  hold('BOTH001', ['a@utc.example', 'a@other.example']);
  const [report] = await target.held({});
  t.equal(report?.queueId, 'BOTH001');
  t.same(report?.providers, ['utc', 'other.example']);
  t.ok(Math.abs((report?.leavesAt ?? 0) - time.nowMs() - 60_000) < 20);
});
