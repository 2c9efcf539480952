import t from 'tap';

import { NOW, UTC } from '../control/fake-daemon.ts';
import { served, type Served } from './postpace.ts';

// Every run is a process of its own: a busy machine needs its time.
t.setTimeout(120_000);

let fake: Served;
t.before(async () => {
  fake = await served();
});
t.teardown(() => fake.close());

t.test('suspend', async (test) => {
  test.equal(
    (await fake.run('suspend', 'utc', '--for', '2h', '--reason', 'S3150')).out,
    'utc is suspended until 16:51 (in 2 h). Its mail waits (457 held now), all other mail flows. ' +
      'To end it: postpace resume utc\n',
  );
  test.same(fake.daemon.asked.at(-1), ['suspend', 'utc', 'jane', '2h', 'S3150']);
  test.match((await fake.run('suspend', 'utc')).out, /^utc is suspended until further notice\./);
  test.same(fake.daemon.asked.at(-1), ['suspend', 'utc', 'jane', undefined, undefined]);
  test.same(JSON.parse((await fake.run('suspend', 'utc', '--json')).out), {
    ...UTC,
    suspended: { until: null, why: '' },
  });
  test.equal((await fake.run('suspend', 'nope')).exit, 1);
});

t.test('resume', async (test) => {
  test.equal(
    (await fake.run('resume', 'utc')).out,
    'utc goes on: limits 20/min burst 3, 300/h, 1500/day, 5 in flight, by configuration, ' +
      '457 held; the last one leaves 15:14 (in 23 min).\n',
  );
  test.same(fake.daemon.asked.at(-1), ['resume', 'utc', 'jane', undefined]);
  test.same(JSON.parse((await fake.run('resume', 'utc', '--json')).out), UTC);
});

t.test('pass', async (test) => {
  test.equal(
    (await fake.run('pass', '--all', '--for', '1h')).out,
    'All mail passes unpaced until 15:51 (in 1 h).\n',
  );
  test.same(fake.daemon.asked.at(-1), ['pass', undefined, 'jane', '1h', undefined]);
  test.equal((await fake.run('pass', 'utc', '--for', '0s')).out, 'Mail to utc is paced again.\n');
  test.same(fake.daemon.asked.at(-1), ['pass', 'utc', 'jane', '0s', undefined]);
  const json = await fake.run('pass', 'utc', '--for', '1h', '--reason', 'x', '--json');
  test.same(JSON.parse(json.out), { until: NOW + 3_600_000 });
  test.same(fake.daemon.asked.at(-1), ['pass', 'utc', 'jane', '1h', 'x']);
});
