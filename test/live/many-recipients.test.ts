/**
 * Messages with many recipients at several providers: more than a burst, more than a quota, and one
 * that a suspended provider keeps. Debts are paid, exceptions are said, nobody starves and nobody is
 * slowed down for another one's sake.
 */
import t from 'tap';
import { gaps } from '../../lab/ledger.ts';
import { waitFor } from '../../lab/wait.ts';
import { startScene } from './scene.ts';

const EACH = 20;
const APP = 'lufi@app.example';

const scene = await startScene({
  sinks: { 'a.example': {}, 'b.example': {}, 'c.example': {}, 'd.example': {} },
  config: {
    reconcile: '2s',
    providers: {
      a: { domains: ['a.example'], pace: '10/s', burst: 5, quotas: [], in_flight: 1000 },
      b: { domains: ['b.example'], pace: '20/s', burst: 1, quotas: [], in_flight: 1000 },
      c: { domains: ['c.example'], pace: 'none', quotas: ['15/3s'], in_flight: 1000 },
      d: { domains: ['d.example'], pace: '10/s', burst: 1, quotas: [], in_flight: 1000 },
    },
  },
});
t.setTimeout(200_000);
t.teardown(() => scene.stop());

const recipients = (domain: string, count = EACH) =>
  Array.from({ length: count }, (_, i) => `member${i}@${domain}`);
const everybody = ['a.example', 'b.example', 'c.example'].flatMap((one) => recipients(one));

/** Recipients that have arrived at a domain with this serial prefix. */
const arrivals = (domain: string, prefix: string) =>
  scene.sink(domain).deliveries.filter(({ serial }) => serial.startsWith(prefix));

const send = (prefix: string, mails: number, to: (i: number) => string | readonly string[]) =>
  scene.burst({ mails, connections: 1, from: APP, to, serialPrefix: prefix });

await t.test('one to 60 recipients at three providers', async (t) => {
  // Each provider has something to do before and after it.
  await send('before', 45, (i) => `early${i}@${'abc'[i % 3]}.example`);
  const [big] = await send('big', 1, () => everybody);
  t.equal(big?.code, 250);
  await send('after', 45, (i) => `late${i}@${'abc'[i % 3]}.example`);
  for (const domain of ['a.example', 'b.example', 'c.example']) {
    await waitFor(() => arrivals(domain, 'big').length === EACH, { what: `all at ${domain}` });
  }
  // Whoever comes next pays: 20 recipients are 2 s at 10/s, of which the burst of 5 spares four.
  await send('next', 1, () => 'next@a.example');
  await scene.arrived(90 + 60 + 1, undefined, 60_000);
  const { lost, duplicated, unknown } = scene.account();
  t.same({ lost, duplicated, unknown }, { lost: [], duplicated: [], unknown: [] });

  const at = await scene.admissions('a');
  const index = at.findIndex(({ id }) => id.endsWith(`/${big?.queueId}`));
  const [last, next] = [at[index], at[index + 1]];
  const debtMs = (next?.atMs ?? 0) - (last?.atMs ?? 0);
  t.ok(debtMs >= 1600 - 1, `the debt of all 20 was paid: ${Math.round(debtMs)} ms`);

  const alone = scene.logged('admitted alone: more recipients than its quota of 15');
  t.same(
    alone.map(({ queueId, provider }) => ({ queueId, provider })),
    [{ queueId: big?.queueId, provider: 'c' }],
    'more than a quota: logged',
  );
  const atC = (await scene.admissions('c')).map(({ id, atMs }) => ({
    atMs,
    recipients: id.endsWith(`/${big?.queueId}`) ? EACH : 1,
  }));
  for (const { atMs: untilMs, recipients: own } of atC) {
    const before = atC.filter(({ atMs }) => atMs > untilMs - 3000 && atMs <= untilMs);
    const count = before.reduce((sum, one) => sum + one.recipients, 0);
    if (own === EACH) t.equal(count, EACH, 'alone in an empty window');
    else if (count > 15) t.fail(`${count} within 3 s, 15 promised`);
  }
});

await t.test('what a suspended provider keeps does not slow down another', async (t) => {
  await scene.tell('suspend', 'd', '--for', '1h');
  const mixed = await send('mixed', 50, (i) => [`m${i}@d.example`, `m${i}@b.example`]);
  t.same([...new Set(mixed.map(({ code }) => code))], [250]);
  await scene.burst({
    mails: 40,
    from: APP,
    to: (i) => `only${i}@b.example`,
    serialPrefix: 'only',
  });
  await waitFor(() => arrivals('b.example', 'only').length === 40, {
    what: '40 at b while d is suspended',
    timeoutMs: 15_000,
  });
  const { p50Ms } = gaps(arrivals('b.example', 'only').map(({ mailAtMs }) => mailAtMs));
  t.ok(p50Ms < 75, `b keeps its pace of one each 50 ms: ${p50Ms}`);
  t.equal(arrivals('d.example', 'mixed').length, 0);
  t.equal(arrivals('b.example', 'mixed').length, 0, 'a message is held as a whole');
});

await t.test('and leaves when that one takes mail again, others or not', async (t) => {
  await scene.tell('resume', 'd');
  // b is kept busy: the mixed messages must not starve behind it.
  await scene.burst({
    mails: 60,
    from: APP,
    to: (i) => `busy${i}@b.example`,
    serialPrefix: 'busy',
  });
  await waitFor(() => arrivals('d.example', 'mixed').length === 50, {
    what: '50 at d after resume',
    timeoutMs: 30_000,
  });
  await waitFor(() => arrivals('b.example', 'busy').length === 60, { timeoutMs: 15_000 });
  const { lost, duplicated } = scene.account();
  t.same({ lost, duplicated }, { lost: [], duplicated: [] });
  const atD = gaps((await scene.admissions('d')).map(({ atMs }) => atMs));
  t.ok(atD.p50Ms > 99 && atD.p50Ms < 200, `d drains at its pace: ${atD.p50Ms} ms`);
});

await t.test('a provider that defers its part costs the others nothing twice', async (t) => {
  const sentBefore = (await scene.provider('a')).sent.day;
  const [a, d] = [scene.sink('a.example'), scene.sink('d.example')];
  // The one defers while the other has not answered yet.
  a.latencyMs = 800;
  d.rule = ({ stage }) => (stage === 'rcpt' ? '451 4.7.1 later' : undefined);
  await send('part', 1, () => [...recipients('a.example', 5), 'one@d.example']);
  await waitFor(() => scene.logged('re-held after a deferral').length === 1);
  // The others' outcomes may be read from the log just after postsuper's answer.
  const left = async () => (await scene.postpace.control.held({ provider: 'd' }))[0]?.recipients;
  await waitFor(async () => (await left())?.length === 1, { what: 'one recipient left' });
  t.same(await left(), ['one@d.example'], 'what waits is what is left');
  d.rule = undefined;
  await scene.tell('held', 'release', '--provider', 'd');
  await waitFor(() => arrivals('d.example', 'part').length === 1, { what: 'the rest at d' });
  t.equal(arrivals('a.example', 'part').length, 5);
  t.equal((await scene.provider('a')).sent.day - sentBefore, 5, 'charged once');
});
