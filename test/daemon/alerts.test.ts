/** Alerts: how often, and that nothing on the way can hurt the daemon. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { runAlertCommand } from '../../src/daemon/alert-command.ts';
import { Alerts } from '../../src/daemon/alerts.ts';
import { waveAlert } from '../../src/feedback/alert.ts';
import type { DeliveryEvent } from '../../src/postfix/event.ts';

const directory = await mkdtemp(join(tmpdir(), 'postpace-alerts-'));
t.teardown(() => rm(directory, { recursive: true }));

const NOW = Date.UTC(2026, 10, 24);

const bounce = (recipient: string): DeliveryEvent => ({
  kind: 'delivery',
  atMs: NOW,
  program: 'smtp',
  pid: 1,
  queueId: '4f',
  recipient,
  relay: 'mx.gmx.example[192.0.2.1]:25',
  status: 'bounced',
  dsn: '5.1.1',
  reply: '550 5.1.1 no such user',
  delaySec: 1,
  contacted: true,
});

/** Alerts whose command appends to a file; what it was told, and what was logged. */
function stage(name: string, alerts: { mail?: string; command?: readonly string[] } = {}) {
  const file = join(directory, name);
  const lines: string[] = [];
  const note = (_: object, message: string) => void lines.push(message);
  const config = {
    alerts: { command: ['tee', '-a', file], ...alerts },
    postfix: {
      configDirectory: join(directory, 'none'),
      release: { kind: 'unix', path: '/r' },
      hold: { kind: 'unix', path: '/h' },
    },
  } as const;
  const { PATH } = process.env;
  const is = new Alerts({
    log: { debug: note, info: note, warn: note, error: note },
    nowMs: () => NOW,
    host: 'mail.example.org',
    config: () => config,
    env: { PATH, POSTPACE_REDIS_PASSWORD: 'secret' },
  });
  const told = async (): Promise<readonly string[]> =>
    (await readFile(file, 'utf8').catch(() => '')).split('\n').slice(0, -1);
  return { is, lines, told };
}

t.test('one for each cause and provider, with what it is about', async (t) => {
  const { is, lines, told } = stage('each');
  await is.raise(waveAlert('gmx', 10, 20));
  await is.raise(waveAlert('gmx', 11, 21));
  await is.raise(waveAlert('qq', 12, 20));
  await is.raise({ ...waveAlert('gmx', 12, 20), cause: 'bad_rdns' });
  const all = (await told()).map((line): unknown => JSON.parse(line));
  t.equal(all.length, 3);
  t.match(all[0], {
    at: '2026-11-24T00:00:00.000Z',
    host: 'mail.example.org',
    cause: 'bad_mailbox_wave',
    provider: 'gmx',
    summary: '10 of 20 recipients at gmx do not exist',
    reply: null,
  });
  t.equal(lines.length, 3, 'a line for each');
});

t.test('domains made to be refused do not fill a mailbox', async (t) => {
  const { is, lines, told } = stage('flood', { command: ['true'] });
  for (let i = 0; i < 25; i += 1) await is.raise(waveAlert(`d${i}.example`, 10, 10));
  t.equal(lines.filter((line) => line.startsWith('alert: ')).length, 20);
  t.equal(lines.filter((line) => line.startsWith('alert, not sent')).length, 5);
  t.same(await told(), []);
});

t.test('ways that fail are logged', async (t) => {
  const { is, lines } = stage('fail', { mail: 'root', command: ['/nowhere/to/be/found'] });
  await is.raise(waveAlert('gmx', 10, 20));
  t.same(lines.slice(1).toSorted(), [
    'an alert could not be told by command',
    'an alert could not be told by mail',
  ]);
  const settings = { longestMs: 100, env: {} };
  await t.rejects(runAlertCommand(['/bin/sleep', '60'], '', settings), /killed, it took longer/);
  await t.rejects(runAlertCommand(['/bin/false'], 'x'.repeat(1e6), settings), /ended by exit 1/);
});

t.test('unknown recipients are counted, those of an alert are not', async (t) => {
  const { is, told } = stage('wave', { mail: 'Ops@gmx.example' });
  const unknown = {
    category: 'bad_mailbox',
    group: 'recipient',
    provider: 'gmx',
    rule: undefined,
    blames: 'unknown',
    holdMs: undefined,
  } as const;
  for (let i = 0; i < 12; i += 1) is.outcome(bounce('ops@gmx.example'), 'gmx', unknown);
  for (let i = 0; i < 9; i += 1) is.outcome(bounce(`u${i}@gmx.example`), 'gmx', unknown);
  is.outcome({ ...bounce('x@gmx.example'), status: 'deferred' }, 'gmx', unknown);
  is.outcome(bounce('u9@gmx.example'), 'qq', unknown);
  t.same(await told(), []);
  await is.raise({ ...waveAlert('gmx', 1, 1), cause: 'bad_rdns' });
  t.equal((await told()).length, 1, 'none before that one');
});
