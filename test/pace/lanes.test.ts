import t from 'tap';
import type { Item } from '../../src/pace/item.ts';
import { ProviderQueue } from '../../src/pace/lanes.ts';
import { anItem } from './waiting-item.ts';

function queueOf(...items: readonly Item[]): ProviderQueue {
  const queue = new ProviderQueue('p');
  for (const item of items) queue.add(item, false);
  return queue;
}

function ids(queue: ProviderQueue): readonly string[] {
  return [...queue.inTurn()].map(({ id }) => id);
}

/** All of them in the order in which they leave. */
function departures(queue: ProviderQueue): readonly string[] {
  const left: string[] = [];
  for (let item = queue.next(); item !== undefined; item = queue.next()) {
    left.push(item.id);
    item.waiting = false;
    queue.dropped(item);
    queue.rotate(item);
  }
  return left;
}

const of = (sender: string, lane = 0) => ({ sender, lane });

t.test('a better lane leaves before all of a worse one', async (t) => {
  const queue = queueOf(
    anItem('bulk1', { p: 1 }, of('a', 2)),
    anItem('mail1', { p: 1 }, of('a', 1)),
    anItem('bulk2', { p: 1 }, of('b', 2)),
    anItem('urgent1', { p: 1 }, of('c', 0)),
    anItem('mail2', { p: 1 }, of('b', 1)),
  );
  t.same(departures(queue), ['urgent1', 'mail1', 'mail2', 'bulk1', 'bulk2']);
  t.equal(queue.size, 0);
});

t.test('inside a lane senders take turns, each with its oldest mail', async (t) => {
  const queue = queueOf(
    anItem('a1', { p: 1 }, of('a')),
    anItem('a2', { p: 1 }, of('a')),
    anItem('a3', { p: 1 }, of('a')),
    anItem('b1', { p: 1 }, of('b')),
    anItem('b2', { p: 1 }, of('b')),
    anItem('c1', { p: 1 }, of('c')),
  );
  t.same(ids(queue), ['a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
  t.same(departures(queue), ['a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
});

t.test(
  'a sender that comes later gets its turn before the next mail of one who had it',
  async (t) => {
    const queue = queueOf(anItem('a1', { p: 1 }, of('a')), anItem('a2', { p: 1 }, of('a')));
    const first = queue.next()!;
    first.waiting = false;
    queue.dropped(first);
    queue.add(anItem('b1', { p: 1 }, of('b')), false);
    queue.rotate(first);
    t.same(departures(queue), ['b1', 'a2']);
  },
);

t.test(
  'back in line first: before its sender’s other mail, not before other senders’',
  async (t) => {
    const queue = queueOf(anItem('a1', { p: 1 }, of('a')), anItem('b1', { p: 1 }, of('b')));
    queue.add(anItem('b0', { p: 1 }, of('b')), true);
    t.same(departures(queue), ['a1', 'b0', 'b1']);
  },
);

t.test('taken out in the middle: it has no turn', async (t) => {
  const items = ['a1', 'a2', 'a3'].map((id) => anItem(id, { p: 1 }, of('a')));
  const queue = queueOf(...items);
  items[1]!.waiting = false;
  queue.dropped(items[1]!);
  t.same(ids(queue), ['a1', 'a3']);
  t.equal(queue.size, 2);
});

t.test('fresh mail waits behind mail of its lane and of better ones, not of worse', async (t) => {
  const mail = anItem('m', { p: 1 }, of('a', 1));
  const queue = queueOf(mail);
  t.notOk(queue.waitsBefore(0));
  t.ok(queue.waitsBefore(1));
  t.ok(queue.waitsBefore(2));
  mail.waiting = false;
  queue.dropped(mail);
  t.notOk(queue.waitsBefore(2));
});

t.test(
  'a probe: one recipient, of the worst lane that has such; else whose turn it is',
  async (t) => {
    const urgent = anItem('urgent', { p: 1 }, of('a', 0));
    const letter = anItem('letter', { p: 1 }, of('b', 2));
    const queue = queueOf(
      urgent,
      anItem('list', { p: 9 }, of('a', 2)),
      anItem('two', { p: 1, q: 1 }, of('a', 2)),
      letter,
    );
    t.equal(queue.probe(), letter);
    letter.waiting = false;
    queue.dropped(letter);
    t.equal(queue.probe(), urgent);
    urgent.waiting = false;
    queue.dropped(urgent);
    t.equal(queue.probe()?.id, 'list');
    t.equal(queueOf().probe(), undefined);
  },
);

t.test(
  'a probe goes to a domain that is there by its MX alone only where no other waits',
  async (t) => {
    const member = anItem('member', { p: 1 }, of('a', 2));
    const byMx = {
      ...member,
      shares: [{ provider: 'p', recipients: 1, members: ['hosted.example'] }],
    };
    const letter = anItem('letter', { p: 1 }, of('b', 0));
    t.equal(queueOf(byMx, letter).probe(), letter);
    t.equal(queueOf(byMx).probe(), byMx);
  },
);
