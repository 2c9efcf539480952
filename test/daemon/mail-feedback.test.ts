/** What reports may do, with the daemon's parts around them and no Postfix. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { FeedbackList } from '../../src/daemon/feedback-list.ts';
import { MailFeedback } from '../../src/daemon/mail-feedback.ts';
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

function open(t: Test) {
  const stateDir = newStateDir(t);
  const remembered = (name: string) =>
    new Remembered({ path: join(stateDir, name), most: 1000, onTrouble: (text) => t.fail(text) });
  const list = new FeedbackList(0, () => undefined);
  const heard: string[] = [];
  const mail = new MailFeedback({
    feedback: {
      hear: (provider, { id }) => Promise.resolve(void heard.push(`${provider} ${id}`)),
      attempt: () => Promise.resolve(undefined),
      remind: () => undefined,
    },
    classifier,
    list,
    sent: new SentBook(remembered('sent.tsv')),
    counted: remembered('reports.tsv'),
    guard: new FloodGuard(),
    key,
    host: HOST,
    nowMs: () => Date.now(),
    providerOf: (address) => (address.endsWith('.mx') ? 'outlook' : domainOf(address)),
    speaksFor: (address, provider) => (address.endsWith('.mx') ? domainOf(address) : provider),
    ownAddresses: () => [],
    inFlight: () => undefined,
  });
  return {
    heard,
    list,
    /** Somebody complains of the message `M<n>` that he was sent; what came of it. */
    complain: async (n: number, recipient: string) => {
      const facts = { id: `${HOST}/M${n}`, atSec: Math.floor(Date.now() / 1000) };
      const token = signToken(key, facts, [recipient]).replaceAll('\n', '\r\n');
      const raw = arf({ recipient, header: [`${TOKEN_HEADER}: ${token}`] });
      const { events } = await mail.takeMail(raw, 'pipe');
      return events.map(({ trust, outcome, why }) => `${trust} ${outcome} ${why ?? ''}`.trim());
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
  t.equal(list.report(undefined, 1).events[0]?.provider, 'outlook', 'though it is shown there');
});
