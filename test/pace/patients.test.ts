import t from 'tap';
import { Patients } from '../../src/pace/patients.ts';
import { SpokenLog } from './spoken-log.ts';
import { VirtualTime } from './virtual-time.ts';

t.test('told once that a provider defers, of each probe, and that it is well again', async (t) => {
  const time = new VirtualTime(t);
  const log = new SpokenLog();
  const backoff = { minMs: 1000, maxMs: 60_000 };
  const patients = new Patients({ clock: time, backoff: () => backoff, log });
  const leftMs = time.nowMs();
  await time.advance(100);
  for (let i = 0; i < 5; i++) patients.refused('p', '421 slow down', leftMs);
  t.equal(log.of('one probe at a time').length, 1);
  t.equal(patients.of('p')?.failures, 1);
  t.same([...patients.providers()], ['p']);
  await time.advance(1000);
  patients.refused('p', '421 still', time.nowMs());
  t.same(
    log.of('probe deferred').map(({ fields }) => fields),
    [{ provider: 'p', failures: 2, waitMs: 2000, reply: '421 still' }],
  );
  patients.keptBack('p', time.nowMs());
  patients.keptBack('q', time.nowMs());
  t.equal(patients.of('p')?.failures, 2);
  await time.advance(2000);
  t.equal(patients.accepted('p'), true);
  t.equal(patients.accepted('p'), false, 'no news any more');
  t.same(
    log.of('accepts mail again').map(({ fields }) => fields),
    [{ provider: 'p', lastedMs: 3000 }],
  );
  t.equal(patients.of('p'), undefined);
});

t.test('a provider that nothing is tried at any more is no patient for ever', async (t) => {
  const time = new VirtualTime(t);
  const backoff = { minMs: 60_000, maxMs: 3600_000 };
  const patients = new Patients({ clock: time, backoff: () => backoff, log: new SpokenLog() });
  for (let i = 0; i < 100; i++) patients.refused(`gone${i}.example`, 'no route', time.nowMs());
  await time.advance(23 * 3600e3);
  t.equal(patients.providers().length, 100);
  await time.advance(2 * 3600e3);
  t.equal(patients.of('gone7.example'), undefined);
  t.same(patients.providers(), []);
});
