import t from 'tap';
import type { Attempt } from '../../src/pace/gate.ts';
import { Scheduler } from '../../src/pace/scheduler.ts';
import { openPacing, pace } from './pacing.ts';
import { anItem } from './waiting-item.ts';
import { VirtualTime } from './virtual-time.ts';

const REFUSED = (provider: string, waitUs: number, kind: 'pace' | 'trouble' = 'pace'): Attempt => ({
  ok: false,
  waitUs,
  cause: { kind, provider },
  debts: [],
});
const FREE: Attempt = { ok: true, debts: [], exceeded: [] };

function scheduler(
  time: VirtualTime,
  attempt: (id: string) => Attempt | Promise<Attempt>,
  probing: (provider: string) => boolean = () => false,
): { readonly it: Scheduler; readonly left: string[]; readonly asked: string[] } {
  const left: string[] = [];
  const asked: string[] = [];
  const it = new Scheduler({
    clock: time,
    attempt: async ({ id }) => {
      asked.push(id);
      return attempt(id);
    },
    limits: () => ({ quotas: [] }),
    probing,
    release: ({ id }) => left.push(id),
    onTrouble: () => undefined,
    announce: () => undefined,
  });
  return { it, left, asked };
}

t.test('what waits leaves when it is admitted, at the time the store gave', async (t) => {
  const time = new VirtualTime(t);
  let freeAtUs = time.nowUs() + 5_000_000;
  const { it, left, asked } = scheduler(time, () => {
    const waitUs = freeAtUs - time.nowUs();
    if (waitUs > 0) return REFUSED('p', waitUs);
    freeAtUs = time.nowUs() + 5_000_000;
    return FREE;
  });
  it.start();
  for (const id of ['m1', 'm2', 'm3']) it.add(anItem(id, { p: 1 }));
  await time.advance(4900);
  t.same(left, []);
  await time.advance(200);
  t.same(left, ['m1']);
  await time.advance(10_000);
  t.same(left, ['m1', 'm2', 'm3']);
  t.ok(asked.length <= 6, 'and it is not asked over and over');
});

t.test('a wake-up while the store is asked is not lost', async (t) => {
  const time = new VirtualTime(t);
  let isFree = false;
  let answer: (() => void) | undefined;
  const { it, left } = scheduler(time, async () => {
    const was = isFree;
    await new Promise<void>((resolve) => {
      answer = resolve;
    });
    return was ? FREE : REFUSED('p', Infinity);
  });
  it.start();
  it.add(anItem('m1', { p: 1 }));
  await time.advance(10);
  // The place is freed between the store's look and its answer.
  isFree = true;
  it.wake('p');
  answer?.();
  await time.advance(10);
  answer?.();
  await time.advance(10);
  t.same(left, ['m1']);
});

t.test('removed while the store is asked: it does not leave', async (t) => {
  const time = new VirtualTime(t);
  let answer: (() => void) | undefined;
  const { it, left } = scheduler(time, async (id) => {
    if (id === 'm1')
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
    return FREE;
  });
  it.start();
  it.add(anItem('m1', { p: 1 }));
  it.add(anItem('m2', { p: 1 }));
  await time.advance(10);
  t.equal(it.remove('m1')?.id, 'm1');
  answer?.();
  await time.advance(10);
  t.same(left, ['m2']);
});

t.test('paused: nothing is asked before the time', async (t) => {
  const time = new VirtualTime(t);
  const { it, left, asked } = scheduler(time, () => FREE);
  it.pause(time.nowUs() + 3_000_000);
  it.start();
  it.add(anItem('m1', { p: 1 }));
  it.wake('p');
  await time.advance(2900);
  t.same(asked, []);
  await time.advance(200);
  t.same(left, ['m1']);
});

t.test('stopped: nothing is asked any more', async (t) => {
  const time = new VirtualTime(t);
  const { it, asked } = scheduler(time, () => FREE);
  it.start();
  it.stop();
  it.add(anItem('m1', { p: 1 }));
  it.wakeAll();
  await time.advance(120_000);
  t.same(asked, []);
});

t.test('a store that fails is asked again in a second', async (t) => {
  const time = new VirtualTime(t);
  let failures = 2;
  const { it, left, asked } = scheduler(time, () => {
    if (failures-- > 0) throw new Error('gone');
    return FREE;
  });
  it.start();
  it.add(anItem('m1', { p: 1 }));
  await time.advance(1500);
  t.equal(asked.length, 2);
  await time.advance(1000);
  t.same(left, ['m1']);
});

t.test('a thousand messages of one provider let others have their turn', async (t) => {
  const time = new VirtualTime(t);
  const { it, left } = scheduler(time, () => FREE);
  for (let i = 0; i < 1000; i++) it.add(anItem(`p${i}`, { p: 1 }));
  it.add(anItem('q', { q: 1 }));
  it.start();
  await time.advance(1000);
  t.equal(left.length, 1001);
  t.ok(left.indexOf('q') <= 50);
});

t.test('mail behind a head that another provider keeps', async (t) => {
  const time = new VirtualTime(t);
  const { it, left } = scheduler(time, (id) =>
    id.startsWith('both') ? REFUSED('b', Infinity, 'trouble') : FREE,
  );
  it.start();
  for (let i = 0; i < 100; i++) it.add(anItem(`both${i}`, { a: 1, b: 1 }));
  await time.advance(10);
  t.test('does not wait for it, however many such heads there are', async (t) => {
    it.add(anItem('own', { a: 1 }));
    await time.advance(1);
    t.same(left, ['own']);
    t.notOk(it.waitsBefore('a', 1, 'new@example.org'), 'nor does fresh mail');
    t.ok(it.waitsBefore('b', 1, 'new@example.org'), 'while at the other provider it does');
  });
});

t.test('a newcomer behind a kept head is looked at, though no event comes', async (t) => {
  const { time, postfix, hold, store } = await openPacing(t, { limits: { 'a.example': pace(60) } });
  const suspended = { atUs: 0, kind: 'suspend', from: '', to: '', why: '', by: 'test' } as const;
  await store.setControl('b.example', { suspended: {} }, { ...suspended, provider: 'b.example' });
  hold('BOTH01', ['x@a.example', 'x@b.example']);
  await time.advance(5000);
  hold('OWN001', 'x@a.example');
  await time.advance(5000);
  t.same(postfix.left, ['OWN001']);
});

t.test('nobody overtakes at a second provider', async (t) => {
  // b takes five at once every 30 s; mail to a and b must not eat that up one by one.
  const limits = { 'b.example': pace(10, 5) };
  const { time, postfix, hold } = await openPacing(t, { limits });
  const five = ['1', '2', '3', '4', '5'].map((name) => `${name}@b.example`);
  hold('FIRST1', five);
  await time.advance(1000);
  t.same(postfix.left, ['FIRST1']);
  hold('BIG001', five, { sender: 'one@example.org' });
  for (let i = 0; i < 30; i++) {
    hold(`SMALL${i}`, ['x@a.example', 'x@b.example'], { sender: 'two@example.org' });
  }
  await time.advance(29_500);
  t.equal(postfix.left.indexOf('BIG001'), 1, 'the large one leaves when five are free');
  await time.advance(30 * 6000 + 30_000);
  t.equal(postfix.left.length, 32, 'and all others after it');
});

t.test('the senders of a second provider had their turn too', async (t) => {
  const limits = { 'b.example': pace(60) };
  const { time, postfix, hold } = await openPacing(t, { limits });
  for (let i = 0; i < 6; i++) {
    hold(`TWO00${i}`, ['x@a.example', 'x@b.example'], { sender: 'two@example.org' });
    hold(`ONE00${i}`, 'x@b.example', { sender: 'one@example.org' });
  }
  await time.advance(5500);
  t.same(postfix.left.map((id) => id.slice(0, 3)).toSorted(), [
    'ONE',
    'ONE',
    'ONE',
    'TWO',
    'TWO',
    'TWO',
  ]);
});

t.test('a large head that waits for another provider finds its own one free then', async (t) => {
  const limits = { 'a.example': pace(60, 5), 'b.example': pace(2) };
  const { time, postfix, hold } = await openPacing(t, { limits });
  hold('FIRST1', 'x@b.example');
  await time.advance(100);
  const five = ['1', '2', '3', '4', '5'].map((name) => `${name}@a.example`);
  hold('BIG001', [...five, 'x@b.example'], { sender: 'one@example.org' });
  let bigAtMs = 0;
  const startMs = time.nowMs();
  postfix.onRelease = ({ queueId }) => {
    if (queueId === 'BIG001') bigAtMs = time.nowMs() - startMs;
  };
  // As much as the first provider takes, all the time.
  for (let second = 0; second < 40; second++) {
    if (second % 2 === 0) hold(`OWN${second}y`, five.slice(1), { sender: 'two@example.org' });
    await time.advance(1000);
  }
  t.ok(bigAtMs > 29_000 && bigAtMs < 30_500, `${bigAtMs} ms`);
  t.ok(postfix.left.indexOf('BIG001') >= 6, 'and its own mail went on meanwhile');
});

t.test(
  'a message behind the head that a third provider keeps is looked at when that one is free',
  async (t) => {
    const ten = pace(1, 1, 10e6);
    const limits = { 'a.example': ten, 'b.example': ten, 'c.example': ten };
    const { time, postfix, send, store } = await openPacing(t, { limits });
    const why = { atUs: 0, kind: 'suspend', from: '', to: '', why: '', by: '' } as const;
    const until = { untilUs: time.nowUs() + 10e6 };
    await store.setControl('b.example', { suspended: {} }, { ...why, provider: 'b.example' });
    await store.setControl('c.example', { suspended: until }, { ...why, provider: 'c.example' });
    await time.settle();
    await send('AC00001', ['x@a.example', 'x@c.example']);
    await send('ABC0001', ['x@a.example', 'x@b.example', 'x@c.example']);
    await send('AC00002', ['x@a.example', 'x@c.example']);
    await send('B000001', 'x@b.example');
    await time.advance(60_000);
    t.same(postfix.left, ['AC00001', 'AC00002']);
  },
);

t.test(
  'a half open provider is probed with the least valuable mail of one recipient',
  async (t) => {
    const time = new VirtualTime(t);
    let isProbing = true;
    let places = 1;
    const { it, left } = scheduler(
      time,
      () => (places-- > 0 ? FREE : REFUSED('p', Infinity)),
      () => isProbing,
    );
    it.add(anItem('reset', { p: 1 }, { sender: 'a', lane: 0 }));
    it.add(anItem('list', { p: 3 }, { sender: 'b', lane: 2 }));
    it.add(anItem('both', { p: 1, q: 1 }, { sender: 'b', lane: 2 }));
    it.add(anItem('letter', { p: 1 }, { sender: 'c', lane: 2 }));
    it.start();
    await time.advance(10);
    t.same(left, ['letter']);
    t.equal(it.waitsBefore('p', 0, 'd'), 'others', 'nothing fresh is risked instead of what waits');
    places = 1;
    it.wake('p');
    await time.advance(10);
    t.same(left, ['letter', 'reset'], 'a single recipient in a better lane, rather than many');
    isProbing = false;
    it.add(anItem('reset2', { p: 1 }, { sender: 'a', lane: 0 }));
    t.equal(it.waitsBefore('p', 0, 'd'), 'others');
    places = 1;
    it.wake('p');
    await time.advance(10);
    t.same(left, ['letter', 'reset', 'reset2'], 'open again: in the order of the lanes');
  },
);
