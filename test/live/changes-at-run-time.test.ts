/** What an operator changes acts at once: limits, everything passes, a new file; a bad one does not. */
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { overruns } from '../../lab/ledger.ts';
import { waitFor } from '../../lab/wait.ts';
import { startScene } from './scene.ts';

const configured = (pace: string, mode = 'hold') => ({
  default: { pace: '1/h', burst: 1 },
  providers: {
    p: { domains: ['p.example'], pace, burst: 1, quotas: [], in_flight: 1000, mode },
  },
});
const scene = await startScene({ sinks: { 'p.example': {} }, config: configured('1/h') });
t.setTimeout(120_000);
t.teardown(() => scene.stop());

let sentToP = 0;
async function sendToP(mails: number): Promise<void> {
  sentToP += mails;
  await scene.burst({ mails, from: 'app@app.example', to: (i) => `u${i}@p.example` });
}

await t.test('limits set acts at once on what waits, and reset takes it back', async (t) => {
  await sendToP(21);
  t.equal((await scene.provider('p')).held, 20);
  await scene.tell('limits', 'set', 'p', '--pace', '20/s', '--reason', 'they said so');
  await scene.arrived(sentToP, 'p.example', 8000);
  const admitted = (await scene.admissions('p')).map(({ atMs }) => atMs).slice(1);
  // A pace that is set without a burst has a tenth of it.
  t.same(overruns(admitted, [{ count: 20, windowMs: 1000, burst: 2 }]), []);
  await scene.tell('limits', 'reset', 'p');
  // What was owed is paid by now: one passes.
  await sendToP(5);
  t.equal((await scene.provider('p')).held, 4);
});

await t.test('pass --all lets everything go, for its time', async (t) => {
  await scene.burst({ mails: 6, from: 'app@app.example', to: () => 'u@elsewhere.example' });
  t.equal((await scene.inHold()).length, 4 + 5);
  await scene.tell('pass', '--all', '--for', '4s');
  const until = Date.now() + 4000;
  await scene.arrived(sentToP, 'p.example', 4000);
  await scene.arrived(6, '*', 4000);
  await sendToP(3);
  await scene.arrived(sentToP, 'p.example', 4000);
  await sleep(Math.max(0, until + 200 - Date.now()));
  await sendToP(4);
  t.equal((await scene.provider('p')).held, 4, 'held again afterwards');
});

await t.test('a bad file leaves the old one in force', async (t) => {
  await scene.postpace.configure(configured('fast'));
  await scene.postpace.kill('SIGHUP');
  const [line] = await waitFor(() => {
    const lines = scene.logged('not reloaded: the old configuration stays in force');
    return lines.length > 0 ? lines : undefined;
  });
  t.match(JSON.stringify(line), /postpace\.yaml:\d+.*pace.*fast/);
  const { configured: old, held } = await scene.provider('p');
  t.same({ pace: old.pace, held }, { pace: '1/h', held: 4 });
  await sendToP(1);
  t.equal((await scene.provider('p')).held, 5);
});

await t.test('a good one acts at once on what waits', async (t) => {
  await scene.postpace.configure(configured('10/s'));
  await scene.postpace.kill('SIGHUP');
  await scene.arrived(sentToP, 'p.example', 5000);
  const { lost, duplicated } = scene.account();
  t.same({ lost, duplicated }, { lost: [], duplicated: [] });
});

await t.test(
  'what waits when a provider is only observed from now on leaves at pace',
  async (t) => {
    const before = (await scene.admissions('p')).length;
    await sendToP(20);
    await scene.postpace.configure(configured('10/s', 'observe'));
    await scene.postpace.kill('SIGHUP');
    await waitFor(() => scene.logged('reloaded').length === 2);
    await sendToP(10);
    await scene.arrived(sentToP, 'p.example', 10_000);
    const admitted = (await scene.admissions('p')).slice(before).map(({ atMs }) => atMs);
    t.ok(admitted.length >= 15, `${admitted.length} were admitted one by one`);
    t.same(overruns(admitted, [{ count: 10, windowMs: 1000, burst: 1 }]), []);
    t.same(await scene.inHold(), []);
  },
);
