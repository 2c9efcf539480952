import t from 'tap';
import { pace } from '../pace/pacing.ts';
import { openTarget } from './control-target.ts';

async function opened(t: Parameters<typeof openTarget>[0]) {
  const open = await openTarget(t, { utc: pace(1), others: pace(1) });
  open.hold('GONE001', 'a@utc.example');
  open.hold('GONE002', 'a@other.example');
  await open.time.advance(10);
  open.hold('UTC0001', 'a@utc.example', { sender: 'one@example.org' });
  open.hold('UTC0002', 'a@etu.utc.example', { sender: 'Two@example.org', formerIds: ['OLD0001'] });
  open.hold('OTHER01', 'a@other.example', { sender: 'one@example.org' });
  return open;
}

t.test('held mail is chosen by id, provider and sender, and all of them together', async (t) => {
  const { target, successors, pacer, postfix } = await opened(t);
  successors.add('APP0001', 'UTC0001');
  const ids = async (selection: Parameters<typeof target.held>[0]) =>
    (await target.held(selection)).map(({ queueId }) => queueId);
  t.same(await ids({}), ['UTC0001', 'UTC0002', 'OTHER01']);
  t.same(await ids({ provider: 'etu.utc.example' }), ['UTC0001', 'UTC0002']);
  t.same(await ids({ sender: 'two@EXAMPLE.org' }), ['UTC0002']);
  t.same(await ids({ provider: 'utc', sender: 'one@example.org' }), ['UTC0001']);
  t.same(await ids({ ids: ['OLD0001'] }), ['UTC0002']);
  t.same(await ids({ ids: ['APP0001', 'OTHER01'] }), ['UTC0001', 'OTHER01']);
  t.same(await ids({ ids: ['APP0001'], provider: 'other.example' }), []);
  t.same(await ids({ ids: ['NOTHERE'] }), []);
  postfix.put('ALIEN01', 'hold', { recipients: [{ address: 'x@utc.example' }] });
  await pacer.compare();
  t.same(await ids({ provider: 'utc' }), ['UTC0001', 'UTC0002', 'ALIEN01']);
});

t.test('released by an operator: at once, charged, once', async (t) => {
  const { target, postfix, time, store } = await opened(t);
  const before = postfix.left.length;
  const counted = await target.releaseHeld({ ids: ['UTC0002', 'OLD0001', 'NOTHERE'] }, 'root');
  t.same(counted.failed, [{ queueId: 'NOTHERE', why: 'not held by postpace' }]);
  t.same([...new Set(counted.done)], ['UTC0002']);
  await time.advance(10);
  t.same(postfix.left.slice(before), ['UTC0002']);
  t.equal((await store.usage('utc')).minute, 2, 'charged for one message once');
  await time.advance(60_000);
  t.same(
    postfix.left.filter((id) => id === 'UTC0002'),
    ['UTC0002'],
  );
});

t.test('adopted by id; what is ours or not there is told', async (t) => {
  const { target, postfix } = await opened(t);
  postfix.put('ALIEN01', 'hold');
  t.same(await target.adoptHeld(['ALIEN01', 'UTC0001', 'NOTHERE'], 'root'), {
    done: ['ALIEN01'],
    failed: [
      { queueId: 'UTC0001', why: 'it is ours already' },
      { queueId: 'NOTHERE', why: 'not in the hold queue' },
    ],
  });
});

t.test('status counts what is whose, and lists providers worth a row', async (t) => {
  const { target, postfix, store } = await opened(t);
  postfix.put('ALIEN01', 'hold');
  await target.reconcile();
  const demand = { recipients: 1, limits: { quotas: [] } };
  for (let i = 0; i < 50; i++) await store.charge([{ ...demand, provider: `quiet${i}.example` }]);
  const status = await target.status();
  t.same(status.held, { ours: 3, foreign: 0, unclaimed: 1 });
  const names = status.providers.map(({ provider }) => provider);
  t.same(names.slice(0, 2).toSorted(), ['other.example', 'utc']);
  t.equal(names.length, 22, 'not every destination that ever got mail');
  t.same(
    (await target.status('utc.example')).providers.map(({ provider }) => provider),
    ['utc'],
  );
});

t.test('a queue that can’t be listed: 503', async (t) => {
  const { target, postfix } = await opened(t);
  postfix.listBreaksAfter = 0;
  await t.rejects(target.reconcile(), { status: 503, message: /postqueue ended/ });
  await t.rejects(target.adoptHeld(['ALIEN01'], 'root'), { status: 503, message: /postqueue/ });
});

t.test('status has a row for those with most mail waiting, and counts the rest', async (t) => {
  const { target, hold, time } = await openTarget(t, { others: { quotas: [], inFlight: 1 } });
  hold('GONE003', 'a@many.example');
  await time.advance(10);
  for (let i = 0; i < 250; i++) {
    hold(`GONE1${String(i).padStart(3, '0')}`, `a@d${i}.example`);
    hold(`WAIT1${String(i).padStart(3, '0')}`, `b@d${i}.example`);
  }
  hold('MANY001', 'b@many.example');
  hold('MANY002', 'c@many.example');
  // The lines are looked at a batch at a time.
  await time.advance(2000);
  const { providers, unlisted } = await target.status();
  t.equal(
    providers.find(({ held }) => held === 2),
    providers.find(({ provider }) => provider === 'many.example'),
    'the most mail is in the list',
  );
  const listed = providers.filter(({ held }) => held > 0).length;
  t.ok(listed <= 200, `${listed} rows with mail`);
  t.same(unlisted, { providers: 251 - listed, held: 251 - listed });
  t.same((await target.status('d249.example')).providers[0]?.held, 1, 'each can be asked for');
});
