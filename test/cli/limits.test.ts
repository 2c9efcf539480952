import t from 'tap';

import { STATUS, UTC } from '../control/fake-daemon.ts';
import { served, type Served } from './postpace.ts';

// Every run is a process of its own: a busy machine needs its time.
t.setTimeout(120_000);

let fake: Served;
t.before(async () => {
  fake = await served();
});
t.teardown(() => fake.close());

t.test('limits show', async (test) => {
  test.equal(
    (await fake.run('limits', 'show')).out,
    `\
PROVIDER  PACE       BURST  QUOTAS           IN FLIGHT  FROM
utc       20/min         3  300/h, 1500/day          5  configuration
outlook   5/min          1  -                        2  override
  override until 16:51 (in 2 h)
  configured: 10/min burst 1, 2 in flight
  SUSPENDED until Nov 25 16:51 (in 1 d 2 h): S3150, form sent
  TROUBLE since 14:41 (10 min ago): 451 4.7.650 The mail server [192.0.2.25] has
  been temporarily rate limited; next probe 14:56 (in 5 min)
quiet     unlimited      -  -                        -  configuration
`,
  );
  test.same(JSON.parse((await fake.run('limits', 'show', '--json')).out), STATUS.providers);
  test.same(JSON.parse((await fake.run('limits', 'show', 'utc', '--json')).out), [UTC]);
});

t.test('limits set hands on every option, and who asks', async (test) => {
  const words = ['limits', 'set', 'utc', '--pace', '10/min', '--burst', '2', '--quota', '300/h'];
  const more = ['--quota=1500/day', '--in-flight', '4', '--for', '2h', '--pin', '--reason', 'été'];
  const set = await fake.run(...words, ...more);
  test.same(set, {
    exit: 0,
    out:
      'utc: limits 10/min burst 3, 300/h, 1500/day, 5 in flight, by override until 16:51 (in 2 h); ' +
      'configured: 20/min burst 3, 300/h, 1500/day, 5 in flight\n',
    err: '',
  });
  test.same(fake.daemon.asked.at(-1), [
    'setLimits',
    'utc',
    {
      by: 'jane',
      pace: '10/min',
      burst: 2,
      quotas: ['300/h', '1500/day'],
      inFlight: 4,
      for: '2h',
      pin: true,
      reason: 'été',
    },
  ]);
  const json = await fake.run('limits', 'set', 'utc', '--pace', '10/min', '--json');
  test.match(JSON.parse(json.out), { provider: 'utc', limitsFrom: 'override' });
  test.same(fake.daemon.asked.at(-1), ['setLimits', 'utc', { by: 'jane', pace: '10/min' }]);
});

t.test('limits set: what the daemon refuses is a failure', async (test) => {
  test.same(await fake.run('limits', 'set', 'utc', '--pace', '1/day'), {
    exit: 1,
    out: '',
    err: 'postpace: pace: 1/day would take years\n',
  });
});

t.test('limits reset', async (test) => {
  const reset = await fake.run('limits', 'reset', 'utc', '--reason', 'over');
  test.equal(
    reset.out,
    'utc: limits 20/min burst 3, 300/h, 1500/day, 5 in flight, by configuration\n',
  );
  test.same(fake.daemon.asked.at(-1), ['resetLimits', 'utc', 'jane', 'over']);
  test.same(JSON.parse((await fake.run('limits', 'reset', 'utc', '--json')).out), UTC);
});

t.test('limits history', async (test) => {
  test.equal(
    (await fake.run('limits', 'history')).out,
    `\
AT            PROVIDER  WHAT        UNTIL  BY
11:51         outlook   override    16:51  jane
  10/min -> 5/min; exam results go out today, and last year they blocked us for
  it
Nov 23 08:51  (all)     suspension         root
  S3150, form sent
`,
  );
  test.same(fake.daemon.asked.at(-1), ['history', undefined, 50]);
  const json = await fake.run('limits', 'history', 'outlook', '--most', '7', '--json');
  test.match(JSON.parse(json.out), [{ kind: 'override', by: 'jane' }, { kind: 'suspension' }]);
  test.same(fake.daemon.asked.at(-1), ['history', 'outlook', 7]);
});
