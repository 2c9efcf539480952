import t from 'tap';
import { LineUp } from '../../src/pace/line-up.ts';
import { anItem } from './waiting-item.ts';

function lineUp(): { readonly it: LineUp; readonly said: Map<string, readonly number[]> } {
  const said = new Map<string, readonly number[]>();
  const it = new LineUp((provider, counts) => said.set(provider, [...counts]));
  return { it, said };
}

t.test(
  'a message waits in the line of each of its providers, and leaves all of them',
  async (t) => {
    const { it, said } = lineUp();
    it.add(anItem('m', { a: 1, b: 2 }), false);
    t.equal(it.size, 1);
    t.same([...it.providers()], ['a', 'b']);
    t.equal(it.queue('b')?.next()?.id, 'm');
    t.same(said.get('b'), [1]);
    t.equal(it.remove('m')?.waiting, false);
    t.equal(it.size, 0);
    t.same([...it.providers()], [], 'a line that is empty costs nothing');
    t.same(said.get('a'), [0]);
    t.equal(it.remove('m'), undefined);
  },
);

t.test('added again: it waits once', async (t) => {
  const { it, said } = lineUp();
  it.add(anItem('m', { a: 1 }), false);
  it.add(anItem('m', { a: 1, c: 1 }, { lane: 1 }), false);
  t.equal(it.size, 1);
  t.equal(it.queue('a')?.size, 1);
  t.same(said.get('a'), [0, 1]);
});

t.test('parked by one provider it is in nobody’s way at the other', async (t) => {
  const { it, said } = lineUp();
  const item = anItem('m', { a: 1, b: 1 });
  it.add(item, false);
  it.park(item, 'b');
  t.same(said.get('a'), [0]);
  t.same(said.get('b'), [1], 'fresh mail to the one that keeps it waits behind it');
  t.notOk(it.queue('a')?.waitsBefore(0));
  it.park(item, 'a');
  t.same([said.get('a'), said.get('b')], [[1], [0]]);
  it.park(item, undefined);
  t.same([said.get('a'), said.get('b')], [[1], [1]]);
  it.park(item, 'b');
  it.remove('m');
  t.same([said.get('a'), said.get('b')], [[0], [0]], 'and it is not counted out twice');
});

t.test('a newcomer calls for a look only where it may make a difference', async (t) => {
  const { it } = lineUp();
  it.add(anItem('m1', { a: 1 }), false);
  const queue = it.queue('a')!;
  queue.nextUs = 1000;
  it.add(anItem('m2', { a: 1 }), false);
  t.equal(queue.nextUs, 1000, 'behind a head that waits for its own time');
  it.add(anItem('m0', { a: 1 }), true);
  t.equal(queue.nextUs, 0, 'at the head');
  queue.nextUs = Infinity;
  queue.waitsFor = 'b';
  it.add(anItem('m3', { a: 1 }), false);
  t.equal(queue.nextUs, 0, 'behind a head that another provider keeps');
});
