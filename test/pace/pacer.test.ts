import t from 'tap';
import { UNTROUBLED } from '../../src/limit/standing.ts';
import { openMemoryStore } from '../../src/store/memory.ts';
import { openPacing } from './pacing.ts';
import { VirtualTime } from './virtual-time.ts';

t.test('what changes at one time is read once, and after it has changed', async (t) => {
  const time = new VirtualTime(t);
  const store = await openMemoryStore({ clock: time.forStore });
  const read: number[] = [];
  const controls = () => {
    read.push(store.desk.books.standings.size);
    return Promise.resolve(new Map());
  };
  await openPacing(t, { time, store: Object.assign(store, { controls }) });
  read.length = 0;
  const set = (name: string) => store.setStanding(name, 0, { ...UNTROUBLED, epoch: 1 }, undefined);
  await Promise.all(Array.from({ length: 300 }, (_, i) => set(`${i}.example`)));
  await time.settle();
  t.same(read, [300]);
  await set('late.example');
  await time.settle();
  t.same(read, [300, 301]);
});
