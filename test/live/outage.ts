/**
 * Two providers stop taking mail in the middle of a burst: one answers 451, one refuses connections.
 * Only probes go out meanwhile; when they are back the promise is kept, and nothing is lost.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { gaps, overruns } from '../../lab/ledger.ts';
import { refuse } from '../../lab/rules.ts';
import { nowMs } from '../../lab/wait.ts';
import { startScene, type Scene } from './scene.ts';

export interface Case {
  /** To each provider. */
  readonly mails: number;
  readonly outageMs: number;
  /** The shortest wait between probes; the longest is four times that. */
  readonly minMs: number;
}

const PLACES = 3;
const DOMAINS = ['busy.example', 'gone.example', 'fine.example'] as const;

/** Slow enough that several are under way at a time. */
const SLOW = { latencyMs: 200 };
const limits = { pace: '10/s', burst: 1, quotas: [], in_flight: PLACES };

export async function outlivesAnOutage(one: Case): Promise<void> {
  const scene = await startScene({
    // Connections that Postfix keeps open for the next mail would count as well.
    postfix: { main: { smtp_connection_cache_on_demand: 'no' } },
    sinks: { 'busy.example': SLOW, 'gone.example': SLOW, 'fine.example': SLOW },
    config: {
      retry: { min: `${one.minMs}ms`, max: `${one.minMs * 4}ms` },
      reconcile: '5s',
      providers: {
        busy: { domains: ['busy.example'], ...limits },
        gone: { domains: ['gone.example'], ...limits },
        fine: { domains: ['fine.example'], ...limits },
      },
    },
  });
  t.setTimeout(one.outageMs + one.mails * 100 + 180_000);
  t.teardown(() => scene.stop());
  await t.test('an outage in the middle of a burst', (t) => check(t, scene, one));
}

/** Sends the burst, lets the outage pass, and waits for the last mail. */
async function play(scene: Scene, { mails, outageMs }: Case) {
  const [busy, gone] = [scene.sink('busy.example'), scene.sink('gone.example')];
  const sent = await scene.burst({
    mails: DOMAINS.length * mails,
    from: 'mattermost@app.example',
    to: (i) => `member${i}@${DOMAINS[i % DOMAINS.length]}`,
  });
  await scene.arrived(20, 'busy.example', 20_000);
  await scene.arrived(20, 'gone.example', 20_000);
  const fromMs = nowMs();
  busy.rule = refuse('mail', '451 4.7.1 Try again later');
  await gone.close();
  await sleep(outageMs);
  const status = await scene.status();
  const untilMs = nowMs();
  busy.rule = undefined;
  await gone.listen();
  await Promise.all(DOMAINS.map((domain) => scene.arrived(mails, domain, mails * 100 + 60_000)));
  return { sent, fromMs, untilMs, status };
}

type Played = Awaited<ReturnType<typeof play>>;

async function check(t: Tap, scene: Scene, plan: Case): Promise<void> {
  const played = await play(scene, plan);
  t.same([...new Set(played.sent.map(({ code }) => code))], [250], 'every mail has its 250');
  const { lost, duplicated, unknown } = scene.account();
  t.same({ lost, duplicated, unknown }, { lost: [], duplicated: [], unknown: [] });

  const report = (name: string) => played.status.providers.find((one) => one.provider === name);
  for (const name of ['busy', 'gone']) {
    t.ok(report(name)?.trouble, `${name}: ${report(name)?.trouble?.reply}`);
    t.equal(report(name)?.lastRelease, null, 'no date is promised');
  }
  t.equal(report('fine')?.trouble ?? null, null);

  const fine = scene.sink('fine.example').deliveries.map(({ mailAtMs }) => mailAtMs);
  const { p50Ms } = gaps(fine);
  t.ok(p50Ms > 80 && p50Ms < 130, `a provider that is well is not slowed: gaps of ${p50Ms} ms`);

  for (const name of ['busy', 'gone']) {
    await t.test(`${name}: only probes`, (t) => probes(t, scene, name, { ...played, ...plan }));
    await t.test(`${name}: the promise is kept`, (t) => promise(t, scene, name));
  }
}

async function probes(
  t: Tap,
  scene: Scene,
  name: string,
  { fromMs, untilMs, outageMs, minMs }: Played & Case,
) {
  const all = (await scene.admissions(name)).map(({ atMs }) => atMs);
  // What was on its way when it began fails first; the provider is known to be out then.
  const tried = all.filter((at) => at > fromMs + 700 && at < untilMs);
  t.comment(`probes after ${tried.map((at) => Math.round(at - fromMs)).join(', ')} ms`);
  t.ok(tried.length >= 2 && tried.length <= outageMs / minMs, `${tried.length} probes`);
  for (const [i, at] of tried.slice(1).entries()) {
    const gapMs = at - (tried[i] ?? at);
    t.ok(gapMs > minMs * 0.9, `one probe at a time, ${Math.round(gapMs)} ms after the last`);
  }
  const { deliveries } = scene.sink(`${name}.example`);
  const back = deliveries.map(({ atMs }) => atMs).filter((at) => at > untilMs);
  t.comment(`first mail ${Math.round(Math.min(...back) - untilMs)} ms after the outage`);
}

async function promise(t: Tap, scene: Scene, name: string) {
  const admitted = (await scene.admissions(name)).map(({ atMs }) => atMs);
  for (const windowMs of [100, 1000, 5000]) {
    const promised = { count: windowMs / 100, windowMs, burst: 1 };
    t.same(overruns(admitted, [promised]), [], `admissions within ${windowMs} ms`);
  }
  const { deliveries, connections } = scene.sink(`${name}.example`);
  const arrived = deliveries.map(({ mailAtMs }) => mailAtMs);
  t.same(overruns(arrived, [{ count: 10, windowMs: 1000, burst: 1 }], 300), []);
  t.ok(connections.most <= PLACES, `${connections.most} connections at once, as in_flight says`);
}

type Tap = Pick<typeof t, 'ok' | 'equal' | 'same' | 'comment' | 'test'>;
