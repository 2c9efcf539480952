import t from 'tap';
import { createClassifier } from '../../src/feedback/classify.ts';
import type { ReportedRecipient } from '../../src/feedback/mail-report.ts';
import { readReported } from '../../src/feedback/reported.ts';
import { loadRules } from '../../src/feedback/rule-files.ts';
import type { Fate } from '../../src/feedback/sent-book.ts';
import { weigh } from '../../src/feedback/weight.ts';

const classifier = createClassifier(loadRules());

function weight(reply: string, more: Partial<ReportedRecipient> = {}, fate?: Fate): string {
  const one: ReportedRecipient = {
    recipient: 'jane@there.example',
    originalRecipient: undefined,
    action: 'failed',
    status: /[245]\.\d+\.\d+/.exec(reply)?.[0],
    remoteMta: undefined,
    reply,
    around: '',
    ...more,
  };
  const context = { provider: 'there.example', ownAddresses: ['192.0.2.25'] };
  const found = weigh(one, readReported(one, classifier, context), 'there.example', fate);
  return found.kind === 'ignored' ? found.why : found.kind;
}

t.test('what a report may do', async (t) => {
  t.equal(weight('550 5.7.1 Policy reason'), 'judged');
  t.equal(weight('450 4.7.0 Sending rate exceeded', { action: 'delayed' }), 'judged');
  t.equal(weight('550 5.7.1 [192.0.2.25] is blocked'), 'judged');
  t.equal(weight('550 5.7.1 Policy reason', {}, 'taken'), 'judged');
  t.equal(weight('550 5.7.1 Policy reason', {}, 'refused'), 'known');
  t.equal(weight('feedback report: abuse', { action: 'complained' }, 'taken'), 'judged');
  t.equal(weight('550 5.1.1 User unknown'), 'it says nothing about limits');
  t.equal(weight('250 2.0.0 Ok', { action: 'delivered' }), 'it was delivered');
  const forwarded = { recipient: 'jane@hotmail.com', originalRecipient: 'jane@there.example' };
  t.equal(weight('550 5.7.1 Policy reason', forwarded), 'told');
});

t.test('X.2.x is about one mailbox, whatever the words are, as in the log', async (t) => {
  for (const reply of [
    '550 5.2.1 rate limit exceeded for this mailbox',
    '554 5.2.3 message refused, sending rate exceeded',
    '550 5.2.1 mailbox disabled: spam detected',
  ]) {
    t.equal(weight(reply), 'it is about one mailbox', reply);
  }
});
