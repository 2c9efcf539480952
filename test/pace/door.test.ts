import t from 'tap';
import type { Test } from 'tap';
import type { DoorAnswer } from '../../src/pace/door.ts';
import { type Beginning, openPacing, pace } from './pacing.ts';

interface Said {
  readonly sender: string;
  readonly atMs: number;
  readonly answer: DoorAnswer;
}

async function openDoor(t: Test, beginning: Beginning, waitMs: number) {
  const pacing = await openPacing(t, beginning);
  pacing.wishes.doorWaitMs = waitMs;
  const startMs = pacing.time.nowMs();
  const said: Said[] = [];
  let serial = 0;
  const ask = (provider = 'one.example', sender = 'app@x.test', gone = new AbortController()) => {
    const id = `mx/rcpt-${++serial}`;
    const caller = { id, provider, origin: { sender }, signal: gone.signal };
    const heard = async (): Promise<void> => {
      const answer = await pacing.pacer.is.door.ask(caller);
      said.push({ sender, atMs: Math.round(pacing.time.nowMs() - startMs), answer });
    };
    void heard();
    return gone;
  };
  const door = pacing.pacer.is.door;
  return { ...pacing, door, said, startMs, ask };
}

const kinds = (said: readonly Said[]) => said.map(({ answer }) => answer.kind);

t.test('without a wait: in, or refused at once with the time of the next chance', async (t) => {
  const { ask, said, time, startMs, store, door } = await openDoor(
    t,
    { limits: { 'one.example': pace(6, 2) } },
    0,
  );
  for (let i = 0; i < 4; i++) ask();
  ask('other.example');
  await time.settle();
  await time.settle();
  const refused = said.filter(({ answer }) => answer.kind === 'later');
  t.equal(refused.length, 2);
  t.equal(said.length, 5, 'all had their answer without time passing');
  for (const { answer } of refused) {
    if (answer.kind !== 'later') continue;
    t.same(answer.cause, { kind: 'pace', provider: 'one.example' });
    t.ok(answer.atMs >= startMs + 10_000 && answer.atMs <= startMs + 20_000, `${answer.atMs}`);
  }
  t.equal((await store.usage('one.example')).minute, 2, 'a refusal costs nothing');
  t.equal(door.waiting('one.example'), 0);
  await time.advance(10_000);
  ask();
  await time.settle();
  t.equal(said.at(-1)?.answer.kind, 'in', 'and is let in then');
});

t.test('with a wait: each has its turn, evenly, none is refused below the cap', async (t) => {
  const { ask, said, time, store } = await openDoor(
    t,
    { limits: { 'one.example': pace(5, 1, 1e6) } },
    20_000,
  );
  for (let i = 0; i < 100; i++) ask();
  await time.advance(25_000);
  t.same([...new Set(kinds(said))], ['in']);
  const times = said.map(({ atMs }) => atMs);
  t.equal(times.length, 100);
  t.same([...new Set(times.slice(1).map((at, i) => at - (times[i] ?? 0)))], [200]);
  t.equal((await store.usage('one.example')).minute, 100);
});

t.test('refused at once whose turn would come later than the cap', async (t) => {
  const { ask, said, time } = await openDoor(
    t,
    { limits: { 'one.example': pace(1, 1, 1e6) } },
    5000,
  );
  for (let i = 0; i < 10; i++) ask();
  await time.settle();
  await time.settle();
  t.equal(kinds(said).filter((kind) => kind === 'later').length, 4);
  await time.advance(5000);
  t.equal(kinds(said).filter((kind) => kind === 'in').length, 6);
  t.equal(said.length, 10);
});

t.test('one in 30 s with a cap of 20 s: the next in line may wait for its turn', async (t) => {
  const { ask, said, time } = await openDoor(t, { limits: { 'one.example': pace(2) } }, 20_000);
  for (let i = 0; i < 3; i++) ask();
  await time.settle();
  await time.settle();
  t.same(kinds(said), ['in', 'later']);
  await time.advance(30_000);
  t.same(kinds(said), ['in', 'later', 'in']);
  t.equal(said[2]?.atMs, 30_000);
});

t.test('a better lane goes first', async (t) => {
  const { ask, said, time } = await openDoor(
    t,
    { limits: { 'one.example': pace(1, 1, 1e6) } },
    20_000,
  );
  ask();
  await time.settle();
  for (let i = 0; i < 3; i++) ask('one.example', 'bulk@x.test');
  ask('one.example', 'transactional@x.test');
  await time.advance(10_000);
  t.same(
    said.map(({ sender }) => sender),
    ['app@x.test', 'transactional@x.test', ...Array.from({ length: 3 }, () => 'bulk@x.test')],
  );
});

t.test('who hangs up while waiting costs nothing and delays nobody', async (t) => {
  const { ask, said, time, store, door } = await openDoor(
    t,
    { limits: { 'one.example': pace(1, 1, 1e6) } },
    20_000,
  );
  ask();
  const gone = ask();
  ask('one.example', 'last@x.test');
  await time.advance(500);
  gone.abort();
  await time.advance(600);
  t.match(said.at(-1), { sender: 'last@x.test', answer: { kind: 'in' } });
  t.ok((said.at(-1)?.atMs ?? 0) < 1100);
  t.equal((await store.usage('one.example')).minute, 2);
  t.equal(door.waiting('one.example'), 0);
});

t.test(
  'in_flight: an outcome lets the next one in; without one it is refused at the cap',
  async (t) => {
    const limits = { 'one.example': { quotas: [], inFlight: 1 } };
    const { ask, said, time, store } = await openDoor(t, { limits }, 4000);
    ask();
    ask();
    await time.advance(2000);
    t.same(kinds(said), ['in']);
    await store.settle('one.example', 'mx/rcpt-1');
    await time.advance(100);
    t.same(kinds(said), ['in', 'in']);
    ask();
    await time.advance(20_000);
    t.match(said[2]?.answer, { kind: 'later', cause: { kind: 'in_flight' } });
    t.ok((said[2]?.atMs ?? 0) < 2200 + 4000 + 6000, 'bounded');
  },
);

t.test('a suspended provider: refused, and let in when it is resumed', async (t) => {
  const { ask, said, time, store } = await openDoor(t, {}, 20_000);
  const why = { atUs: 0, provider: 'one.example', from: '', to: '', why: '', by: 'me' } as const;
  await store.setControl('one.example', { suspended: {} }, { ...why, kind: 'suspend' });
  ask();
  await time.advance(100);
  t.match(said, [{ answer: { kind: 'later', atMs: Infinity, cause: { kind: 'suspended' } } }]);
  await store.setControl('one.example', undefined, { ...why, kind: 'resume' });
  ask();
  await time.advance(1100);
  t.equal(said[1]?.answer.kind, 'in');
});
