/** What reports may do, with the daemon's parts around them and no Postfix. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { FeedbackEventReport } from '../../src/control/api.ts';
import { FeedbackList } from '../../src/daemon/feedback-list.ts';
import { FeedbackVerbs } from '../../src/daemon/feedback-verbs.ts';
import { MailFeedback } from '../../src/daemon/mail-feedback.ts';
import type { Category } from '../../src/feedback/category.ts';
import { createClassifier } from '../../src/feedback/classify.ts';
import { FloodGuard } from '../../src/feedback/flood-guard.ts';
import { Remembered } from '../../src/feedback/remembered.ts';
import { loadRules } from '../../src/feedback/rule-files.ts';
import { SentBook } from '../../src/feedback/sent-book.ts';
import { signToken, TOKEN_HEADER } from '../../src/feedback/token.ts';
import { arf } from '../feedback/report-samples.ts';
import { newStateDir } from '../pace/pacing.ts';

const HOST = 'mx.here.example';
const key = randomBytes(32);
const classifier = createClassifier(loadRules());

const domainOf = (address: string): string => address.toLowerCase().split('@')[1] ?? '';

const outcomes = (events: readonly FeedbackEventReport[]) =>
  events.map(({ trust, outcome, why }) => `${trust} ${outcome} ${why ?? ''}`.trim());

function open(t: Test) {
  const stateDir = newStateDir(t);
  const remembered = (name: string) =>
    new Remembered({ path: join(stateDir, name), most: 1000, onTrouble: (text) => t.fail(text) });
  const list = new FeedbackList(0, () => undefined);
  const heard: string[] = [];
  const attempts: string[] = [];
  const flying = new Set<string>();
  const sent = new SentBook(remembered('sent.tsv'));
  const mail = new MailFeedback({
    feedback: {
      hear: (provider, { id }) => Promise.resolve(void heard.push(`${provider} ${id}`)),
      attempt: (provider, { id }, { category }) =>
        Promise.resolve(void attempts.push(`${provider} ${id} ${category}`)),
      remind: () => undefined,
    },
    classifier,
    list,
    sent,
    counted: remembered('reports.tsv'),
    guard: new FloodGuard(),
    key,
    host: HOST,
    nowMs: () => Date.now(),
    providerOf: (address) => (address.endsWith('.mx') ? 'outlook' : domainOf(address)),
    speaksFor: (address, provider) => (address.endsWith('.mx') ? domainOf(address) : provider),
    ownAddresses: () => [],
    inFlight: (queueId) =>
      flying.has(queueId) ? { id: `${HOST}/${queueId}`, leftMs: Date.now() } : undefined,
  });
  const ready = { now: true };
  const verbs = new FeedbackVerbs({
    mail,
    list,
    guard: new FloodGuard(),
    sent,
    isReady: () => ready.now,
    nowMs: () => Date.now(),
    see: undefined,
  });
  return {
    ready,
    verbs,
    heard,
    attempts,
    flying,
    list,
    sent,
    /** Another classifier's result about the message `4cgiven`. */
    give: async (category: Category, atMs = Date.now()) => {
      const event = await mail.takeGiven({
        atMs,
        queueId: '4cgiven',
        recipient: 'jane@there.example',
        remoteMta: undefined,
        reply: '550 no',
        category,
        blames: undefined,
        source: 'test',
      });
      return outcomes([event])[0];
    },
    /** Somebody complains of the message `M<n>` that he was sent; what came of it. */
    complain: async (n: number, recipient: string) => {
      const facts = { id: `${HOST}/M${n}`, atSec: Math.floor(Date.now() / 1000) };
      const token = signToken(key, facts, [recipient]).replaceAll('\n', '\r\n');
      const raw = arf({ recipient, header: [`${TOKEN_HEADER}: ${token}`] });
      const { events } = await mail.takeMail(raw, 'pipe');
      return outcomes(events);
    },
  };
}

t.test('one mailbox is one voice, under however many names', async (t) => {
  const { complain, heard } = open(t);
  t.same(await complain(1, 'jane+one@there.example'), ['token counted']);
  for (const [n, name] of ['jane+two', 'Jane', 'JANE+3+4'].entries()) {
    t.same(await complain(2 + n, `${name}@There.example`), [
      'token ignored this recipient has spoken today',
    ]);
  }
  t.same(await complain(9, 'joe+one@there.example'), ['token counted']);
  t.equal(heard.length, 2);
});

t.test('whose MX is at a provider speaks for his own domain alone', async (t) => {
  const { complain, heard, list } = open(t);
  await complain(1, 'jane@contoso.mx');
  await complain(2, 'joe@contoso.mx');
  t.same(heard, [`contoso.mx ${HOST}/M1`, `contoso.mx ${HOST}/M2`]);
  t.equal(list.report(undefined, 1).events[0]?.provider, 'contoso.mx', 'and an alert names it');
});

t.test('a flood is told to whoever hands it in, and not listed', async (t) => {
  const { verbs, list } = open(t);
  const content = Array.from(
    { length: 60 },
    (_, i) =>
      `{"at":1,"recipient":"u${i}@a.example","reply":"550","category":"policy","source":"t"}`,
  ).join('\n');
  const { events } = await verbs.ingest({ format: 'ndjson', content });
  t.same([...new Set(outcomes(events))], ['unproven ignored unknown message']);
  t.equal(events.length, 60);
  t.equal(list.report(undefined, 100).events.length, 30);
});

t.test('where no log is followed, each attempt of a message is heard once', async (t) => {
  const { attempts, flying, give } = open(t);
  t.equal(await give('throttled'), 'unproven ignored unknown message');
  flying.add('4cgiven');
  const atMs = Date.now();
  t.equal(await give('greylisted', atMs), 'records counted');
  t.equal(await give('throttled', atMs + 60_000), 'records counted');
  t.equal(await give('throttled', atMs + 60_000), 'records ignored told before');
  t.same(
    attempts,
    ['greylisted', 'throttled'].map((each) => `there.example ${HOST}/4cgiven ${each}`),
  );
});

t.test('what says nothing to one may say something to another', async (t) => {
  const { give, heard, sent } = open(t);
  const fact = { id: `${HOST}/4cgiven`, leftMs: Date.now() };
  sent.note('4cgiven', ['jane@there.example'], { ...fact, fate: 'taken' });
  t.equal(await give('delivered'), 'records ignored it was delivered');
  t.equal(await give('other'), 'records ignored it says nothing about limits');
  t.equal(await give('policy'), 'records counted');
  t.equal(await give('policy'), 'records ignored told before');
  t.equal(heard.length, 1);
});

t.test('what the log has told of stays told, when the log is forgotten too', async (t) => {
  const { give, heard, sent } = open(t);
  const fact = { id: `${HOST}/4cgiven`, leftMs: Date.now() };
  sent.note('4cgiven', ['jane@there.example'], { ...fact, fate: 'refused' });
  t.equal(await give('policy'), 'records ignored the log has told of it');
  sent.note('4cgiven', ['jane@there.example'], { ...fact, fate: 'taken' });
  t.equal(await give('policy'), 'records ignored told before');
  t.equal(heard.length, 0);
});

t.test('replays do not push out of the list what was heard', async (t) => {
  const { complain, list } = open(t);
  for (let i = 0; i < 100; i += 1) await complain(1, 'jane@there.example');
  const { counts, events } = list.report(undefined, 1000);
  t.same(counts, { 'pipe: counted': 1, 'pipe: ignored, told before': 99 });
  t.equal(events.length, 31);
  t.equal(events.at(-1)?.outcome, 'counted');
});

t.test(
  'before the log was read up to now nothing is taken, and so nothing is unknown',
  async (t) => {
    const { ready, verbs, list } = open(t);
    const content = arf({ recipient: 'jane@there.example' }).toString('base64');
    ready.now = false;
    for (const format of ['mail', 'ndjson'] as const) {
      await t.rejects(verbs.ingest({ format, content }), { name: 'ControlError', status: 503 });
    }
    t.same(list.report(undefined, 10).counts, {});
    ready.now = true;
    t.match(await verbs.ingest({ format: 'mail', content }), { kind: 'complaint' });
  },
);
