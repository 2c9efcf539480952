/** Reports about mail that a real Postfix sent: proven by token or record, counted once, never forged. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { waitFor } from '../../lab/wait.ts';
import type { FeedbackListReport, IngestReport } from '../../src/control/api.ts';
import { arf, dsn } from '../feedback/report-samples.ts';
import { startScene } from './scene.ts';

const scene = await startScene({
  sinks: { 'utc.example': {} },
  config: {
    default: { pace: 'none' },
    providers: { utc: { domains: ['utc.example'], pace: '600/min', burst: 100 } },
    feedback: { token: 'on' },
  },
});
t.teardown(() => scene.stop());
t.setTimeout(60_000);

const directory = scene.postfix.directory;
let files = 0;
async function ingest(raw: Uint8Array | string, ...options: readonly string[]) {
  const file = join(directory, `report-${files++}`);
  await writeFile(file, raw);
  return scene.postpace.cli('feedback', 'ingest', file, '--json', ...options);
}
/** What came of the one thing that was reported. */
async function cameOf(raw: Uint8Array) {
  // The shape that docs/cli.md gives.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const [report] = (await ingest(raw)).json() as IngestReport[];
  const { trust, outcome, why } = report?.events[0] ?? {};
  return [report?.kind, trust, outcome, why];
}
const sent = await scene.burst({
  mails: 4,
  from: 'app@here.example',
  to: (i) => `u${i}@utc.example`,
});
await waitFor(() => scene.deliveries.length === 4, { what: 'all to arrive' });
/** The header as it arrived, which is what comes back. */
const headerOf = (recipient: string): string[] => {
  const delivery = scene.deliveries.find((one) => one.recipient === recipient);
  const found = delivery?.headers.get('x-postpace-id');
  if (found === undefined) throw new Error(`no token for ${recipient}`);
  return [`X-Postpace-Id: ${found}`];
};
const factor = async () => (await scene.provider('utc')).factor;

await t.test('a bounce of mail of ours counts once, a restart later too', async (t) => {
  const bounce = dsn({ recipient: 'u0@utc.example', header: headerOf('u0@utc.example') });
  t.same(await cameOf(bounce), ['dsn', 'token', 'counted', null]);
  t.same(await cameOf(bounce), ['dsn', 'token', 'ignored', 'told before']);
  await scene.postpace.restart();
  t.same(await cameOf(bounce), ['dsn', 'token', 'ignored', 'told before']);
  const other = dsn({ recipient: 'u1@utc.example', queueId: sent[1]?.queueId ?? '' });
  await scene.postpace.restart();
  t.match(await cameOf(other), ['dsn', 'records', /counted|moved/]);
});

await t.test('forged, about another, or about nothing of ours: counted and ignored', async (t) => {
  const before = await factor();
  const header = headerOf('u2@utc.example');
  const forged = header.map((line) => line.replace(/s=.{4}/, 's=AAAA'));
  t.same(await cameOf(dsn({ recipient: 'u2@utc.example', header: forged })), [
    'dsn',
    'unproven',
    'ignored',
    'forged token',
  ]);
  t.same(await cameOf(dsn({ recipient: 'eve@utc.example', header })), [
    'dsn',
    'unproven',
    'ignored',
    'other recipient',
  ]);
  const flood = Array.from({ length: 60 }, (_, i) =>
    [
      'From MAILER-DAEMON Tue Nov 24 14:00:00 2026',
      arf({ recipient: `x${i}@utc.example` }).toString(),
    ].join('\n'),
  );
  await ingest(flood.join('\n'));
  // As above.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const list = (
    await scene.postpace.cli('feedback', 'list', '--json')
  ).json() as FeedbackListReport;
  t.equal(list.counts['pipe: ignored, unknown message'], 60);
  const listed = list.events.filter(({ why }) => why === 'unknown message').length;
  t.ok(listed > 0 && listed <= 30, `${listed} of 60 are listed`);
  t.ok((await factor()) >= before, 'nothing is pushed down');
  t.match((await scene.postpace.cli('feedback', 'list')).stdout, /forged token/);
});

await t.test("another classifier's results, and what is none", async (t) => {
  const result = {
    at: Date.now(),
    queueId: sent[3]?.queueId,
    recipient: 'u3@utc.example',
    reply: '550 5.7.1 Policy reason',
    category: 'policy',
    source: 'test',
  };
  const { code, stdout, stderr } = await ingest(
    `${JSON.stringify(result)}\n{"at":1}\n`,
    '--format',
    'ndjson',
  );
  t.match(JSON.parse(stdout), [{ events: [{ trust: 'records' }], wrong: [{ line: 2 }] }]);
  t.equal(code, 1);
  t.match(stderr, /line 2: /);
});

await t.test('the daemon is away: Postfix is asked to try again', async (t) => {
  await scene.postpace.stop();
  t.equal((await ingest(dsn({ recipient: 'u3@utc.example' }))).code, 75);
});
