/**
 * Domains whose MX is at Outlook count for Outlook without being listed, beside a real Postfix and a
 * real DNS server; when DNS is slow from the second mail on; and what is held keeps its provider.
 */
import t from 'tap';
import { startDns } from '../../lab/dns.ts';
import { gaps } from '../../lab/ledger.ts';
import { waitFor } from '../../lab/wait.ts';
import { dsn } from '../feedback/report-samples.ts';
import { startScene } from '../live/scene.ts';

const records = (host: string): string => `
contoso MX 0 contoso-example.${host}.
fabrikam MX 0 fabrikam-example.${host}.
late 60 MX 0 late-example.${host}.
`;
const OUTLOOK = 'mail.protection.outlook.com';
const dns = await startDns({ example: records(OUTLOOK) });
const slow = { pace: '10/s', burst: 1, quotas: [], in_flight: 5 };
const scene = await startScene({
  config: {
    default: { pace: 'none' },
    dns: { servers: [dns.server] },
    providers: {
      microsoft365: slow,
      other: { ...slow, pace: '1/h', mx_suffixes: [`.other.test`] },
    },
  },
});
t.setTimeout(200_000);
t.teardown(async () => {
  await scene.stop();
  await dns.stop();
});

const sentTo = async (provider: string): Promise<number> =>
  (await scene.provider(provider)).sent.hour;

await t.test(
  'two domains share the limit from their first mail, and explain says so',
  async (t) => {
    const sent = await scene.burst({
      mails: 30,
      connections: 10,
      from: 'app@app.example',
      to: (i) => `u${i}@${i % 2 === 0 ? 'contoso' : 'fabrikam'}.example`,
    });
    t.same([...new Set(sent.map(({ code }) => code))], [250]);
    await scene.arrived(30, undefined, 30_000);
    t.equal(await sentTo('microsoft365'), 30);
    t.equal(await sentTo('contoso.example'), 0);
    const times = scene.deliveries.map(({ mailAtMs }) => mailAtMs);
    const { p50Ms } = gaps(times);
    t.ok(p50Ms > 80 && p50Ms < 150, `one after the other: ${p50Ms} ms between two`);
    t.ok(Math.max(...times) - Math.min(...times) > 2400, 'not each for itself, in 1.4 s');
    const text = await scene.tell('explain', 'jane@contoso.example');
    t.match(
      text.replaceAll(/\s+/g, ' '),
      /Mail to jane@contoso\.example counts for microsoft365 \(MX host contoso-example\.mail\.protection\.outlook\.com, by the rule \.mail\.protection\.outlook\.com; known until \d{4}-/,
    );
  },
);

await t.test('reports about mail to one of them move no limit of the other', async (t) => {
  const mine = scene.sent.flatMap(({ queueId = '' }, i) =>
    i % 2 === 0 ? [dsn({ recipient: `u${i}@contoso.example`, queueId })] : [],
  );
  const outcomes = new Set<string>();
  for (const report of mine) {
    const content = report.toString('base64');
    const { events } = await scene.postpace.control.ingest({ format: 'mail', content });
    for (const { trust, outcome } of events) outcomes.add(`${trust} ${outcome}`);
  }
  t.ok(outcomes.has('records moved'), 'of contoso.example');
  t.equal((await scene.provider('microsoft365')).factor, 1);
});

await t.test(
  'DNS that is slow: nobody waits for it for long, the second mail counts',
  async (t) => {
    dns.freeze();
    const begunMs = performance.now();
    const [first] = await scene.burst({
      mails: 1,
      from: 'a@app.example',
      to: () => 'x@late.example',
    });
    const tookMs = performance.now() - begunMs;
    t.equal(first?.code, 250);
    t.ok(tookMs < 3000, `accepted after ${Math.round(tookMs)} ms`);
    t.equal(await sentTo('late.example'), 1, 'a provider of its own');
    dns.thaw();
    const known = async (): Promise<boolean> =>
      (await scene.tell('explain', 'x@late.example')).includes('microsoft365');
    await waitFor(known, { what: 'the MX to be known', everyMs: 200 });
    await scene.burst({ mails: 1, from: 'a@app.example', to: () => 'x@late.example' });
    t.equal(await sentTo('microsoft365'), 31);
    await scene.arrived(32, undefined, 20_000);
  },
);

await t.test(
  'a change of MX moves new mail; what is held keeps its provider, over a restart',
  async (t) => {
    await scene.tell('suspend', 'microsoft365', '--reason', 'test');
    await scene.burst({ mails: 1, from: 'a@app.example', to: () => 'held@contoso.example' });
    const held = async () =>
      (await scene.postpace.control.held({})).filter(({ owner }) => owner === 'ours');
    t.same(
      (await held()).map(({ providers }) => providers),
      [['microsoft365']],
    );
    const [{ queueId } = { queueId: '' }] = await held();

    await dns.change('example', records('mx.other.test'));
    await scene.postpace.restart();
    const moved = async (): Promise<boolean> =>
      (await scene.tell('explain', 'x@contoso.example')).includes('counts for other');
    await waitFor(moved, { what: 'the new MX', everyMs: 200 });
    t.same(
      (await held()).map(({ providers }) => providers),
      [['microsoft365']],
    );
    const text = (await scene.tell('explain', queueId)).replaceAll(/\s+/g, ' ');
    t.match(
      text,
      /It counts for microsoft365, as decided when it came; new mail to contoso\.example counts for other/,
    );
    await scene.tell('resume', 'microsoft365');
    await scene.arrived(33, undefined, 20_000);
    t.equal(await sentTo('microsoft365'), 32);
    t.match(scene.account(), { lost: [], duplicated: [] });
  },
);
