/**
 * What the log told counts once, and is not lost: kill -9 between what came of a line and the place
 * in the log, and the other way round; the log read again from its head; the same handed in as a
 * report.
 */
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { waitFor } from '../../lab/wait.ts';
import type { IngestReport } from '../../src/control/api.ts';
import { dsn } from '../feedback/report-samples.ts';
import { startScene } from '../live/scene.ts';

t.setTimeout(120_000);
const REPLY =
  '421 4.7.650 The mail server [127.0.0.1] has been temporarily rate limited due to IP reputation.';
const provider = (domain: string) => ({ domains: [domain], pace: '600/min', burst: 10 });
const scene = await startScene({
  sinks: { 'once.example': {}, 'slow.example': {}, 'late.example': {} },
  config: {
    default: { pace: 'none' },
    providers: {
      once: provider('once.example'),
      slow: provider('slow.example'),
      late: provider('late.example'),
    },
    own_addresses: ['127.0.0.1'],
    retry: { min: '1h', max: '1h' },
  },
});
t.teardown(() => scene.stop());
const { postpace, postfix } = scene;
const position = join(postpace.stateDir, 'log-position.json');

const send = (domain: string, mails: number, serialPrefix: string) =>
  scene.burst({ mails, from: 'app@here.example', to: (i) => `u${i}@${domain}`, serialPrefix });
const changes = async (name: string) =>
  (await postpace.control.history(name, 50)).map(({ kind }) => kind);
const bypassed = async () =>
  (await scene.status()).warnings.filter((text) => text.includes('without passing the milter'));

/** Behind the line that has this in it. */
async function placeOf(text: string): Promise<number> {
  const log = await readFile(postfix.logFile);
  const at = log.indexOf(text);
  return at < 0 ? Infinity : log.indexOf('\n', at) + 1;
}

async function keptPlace(): Promise<number> {
  const text = await readFile(position, 'utf8').catch(() => '{"offset":0}');
  // As log-position.ts writes it.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return (JSON.parse(text) as { offset: number }).offset;
}

let files = 0;
async function ingest(raw: Buffer | string, ...options: readonly string[]) {
  const file = join(postfix.directory, `report-${files++}`);
  await writeFile(file, raw);
  return postpace.cli('feedback', 'ingest', file, '--json', ...options);
}
async function cameOf(raw: Buffer | string, ...options: readonly string[]) {
  // The shape that docs/cli.md gives.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const [report] = (await ingest(raw, ...options)).json() as IngestReport[];
  const { trust, outcome, why } = report?.events[0] ?? {};
  return [trust, outcome, why];
}
const given = (queueId: string | undefined, recipient: string) =>
  JSON.stringify({
    at: Date.now(),
    queueId,
    recipient,
    reply: REPLY,
    category: 'throttled',
    source: 'test',
  });

await t.test('the same once more, as a report', async (t) => {
  scene.sink('once.example').rule = ({ stage }) => (stage === 'mail' ? REPLY : undefined);
  const [sent] = await send('once.example', 1, 'once');
  await waitFor(async () => (await changes('once')).length > 0, { what: 'the limit lowered' });
  const recipient = 'u0@once.example';
  const queueId = sent?.queueId ?? '';
  const told = ['records', 'ignored', 'the log has told of it'];
  t.same(await cameOf(given(queueId, recipient), '--format', 'ndjson'), told);
  const report = dsn({ recipient, queueId, diagnostic: REPLY, status: '4.7.650' });
  t.same(await cameOf(report, '--format', 'dsn'), ['records', 'ignored', 'told before']);
  const line = (await postfix.log()).split('\n').find((one) => one.includes('status=deferred'));
  const { code, stderr } = await ingest(`${line}\n`, '--format', 'log');
  t.equal(code, 1);
  t.match(stderr, /follows the Postfix log by itself/);
  t.same(await changes('once'), ['tightened']);
});

await t.test('killed before the place is written: read twice, counted once', async (t) => {
  await send('well.example', 1, 'first');
  await scene.arrived(1, '*', 20_000);
  await waitFor(async () => (await keptPlace()) >= (await placeOf(': removed')), {
    what: 'a place',
  });
  // From here on no place can be written.
  await mkdir(`${position}.new`);
  const before = await keptPlace();
  await send('well.example', 4, 'well');
  await scene.arrived(5, '*', 20_000);
  scene.sink('slow.example').rule = ({ stage }) => (stage === 'mail' ? REPLY : undefined);
  await send('slow.example', 6, 'slow');
  await waitFor(async () => (await scene.inHold()).length === 7, { what: 'all taken back' });
  await waitFor(async () => (await changes('slow')).length > 0, { what: 'the limit lowered' });
  t.same(await changes('slow'), ['tightened']);
  const { factor } = await scene.provider('slow');
  await postpace.kill('SIGKILL');
  await rmdir(`${position}.new`);
  t.equal(await keptPlace(), before, 'all of it is read again');
  await postpace.start();
  const end = (await readFile(postfix.logFile)).length;
  await waitFor(async () => (await keptPlace()) >= end, { what: 'the log to be read' });
  t.same(await changes('slow'), ['tightened']);
  const again = (await scene.provider('slow')).factor;
  t.ok(Math.abs(again - factor) < 0.02, `${factor} is still ${again}`);
  t.same(await bypassed(), [], 'what the last run let go did not go round us');
  t.equal((await scene.inHold()).length, 7);
});

await t.test('the log from its head', async (t) => {
  const log = postfix.logFile;
  await send('well.example', 3, 'more');
  await scene.arrived(8, '*', 20_000);
  const all = await readFile(log, 'utf8');
  const line = all.split('\n').find((one) => one.includes('status=sent')) ?? '';
  // A delivery that went round us, twice: when it was read, all before it was.
  const round = line
    .replace(/^.*? (?=\S+ postfix)/, `${stamp()} `)
    .replace(/: \w+: to/, ': 0000000: to');
  await writeFile(log, `another first line\n${all}${round}\n${round}\n`);
  await waitFor(async () => (await bypassed()).length > 0, { what: 'the last line' });
  t.match(await bypassed(), [/^1 recipient/]);
  t.same(await changes('slow'), ['tightened']);
  t.equal((await scene.inHold()).length, 7);
});

await t.test('killed once the place is written: nothing is lost', async (t) => {
  scene.sink('late.example').rule = ({ stage }) => (stage === 'mail' ? REPLY : undefined);
  const [taken] = await send('well.example', 1, 'last');
  const [late] = await send('late.example', 1, 'late');
  const told = `${late?.queueId}: to=<u0@late.example>`;
  await waitFor(async () => (await keptPlace()) >= (await placeOf(told)), { everyMs: 5 });
  await postpace.kill('SIGKILL');
  await postpace.start();
  t.same(await changes('late'), ['tightened']);
  const came = await cameOf(given(taken?.queueId, 'u0@well.example'), '--format', 'ndjson');
  t.match(came, ['records', 'counted']);
  const { lost, duplicated } = scene.account();
  t.equal(lost.length, 8, 'those that wait');
  t.same(duplicated, []);
});

/** Now, as Postfix writes it. */
function stamp(): string {
  const at = new Date();
  const month = at.toLocaleString('en', { month: 'short' });
  return `${month} ${String(at.getDate()).padStart(2)} ${at.toTimeString().slice(0, 8)}`;
}
