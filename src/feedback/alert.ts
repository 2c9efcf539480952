/** What a person should look at: why, in which words, and when it is worth telling. Pure. */
import { ALERT_HEADER } from '../mail/origin.ts';
import type { Category } from './category.ts';

export interface Alert {
  /** `blocked`, `suspended`, `bad_mailbox_wave`, or the category of what is ours to mend. */
  readonly cause: string;
  readonly provider: string;
  /** One sentence without its stop, fit for a subject. */
  readonly summary: string;
  /** What postpace has done about it, and what a person can do; whole sentences. */
  readonly advice: string;
  /** The provider's words, one line; null where there is no single reply. */
  readonly reply: string | null;
  readonly rule: string | null;
  readonly queueId: string | null;
}

/** An outcome as `postpace feedback list` has it. */
export interface HeardOutcome {
  readonly source: string;
  readonly provider: string | null;
  readonly trust: string;
  readonly outcome: string;
  readonly why: string | null;
  readonly category: string;
  readonly group: string;
  readonly blames: string;
  readonly reply: string;
  readonly rule: string | null;
  readonly queueId: string | null;
}

/** undefined: nobody needs to be told. */
export function alertOf(heard: HeardOutcome): Alert | undefined {
  const { provider, category, group, outcome, why, reply, rule, queueId } = heard;
  if (provider === null || heard.trust === 'unproven' || heard.blames === 'intermediary') {
    return undefined;
  }
  const facts = { provider, reply, rule, queueId };
  const isStopped = outcome === 'moved' && (why === 'suspended' || why === 'suspended longer');
  if (group === 'blocked' && heard.blames === 'ours' && (isStopped || heard.source === 'log')) {
    const done = isStopped ? `${STOPPED} ` : '';
    return {
      ...facts,
      cause: 'blocked',
      summary: `${provider} blocks our address`,
      advice: `${done}${DELISTING}`,
    };
  }
  if (isStopped) {
    return {
      ...facts,
      cause: 'suspended',
      summary: `${provider} refuses our mail again and again`,
      advice: `${STOPPED} Look at what is being sent to it, and by whom.`,
    };
  }
  if (group !== 'ours' || outcome !== 'told') return undefined;
  return {
    ...facts,
    cause: category,
    summary: `${provider} refuses mail for something of ours to mend (${category})`,
    advice: `Sending slower does not help, so no limit was changed. ${CURES.get(category) ?? AS_SAID}`,
  };
}

/** A wave of unknown recipients at one provider. */
export function waveAlert(provider: string, bad: number, all: number): Alert {
  return {
    cause: 'bad_mailbox_wave',
    provider,
    summary: `${bad} of ${all} recipients at ${provider} do not exist`,
    advice:
      'That is the count of the last hour. Providers take it for a bought or an old list of ' +
      'addresses, and block who goes on. Find out who sends it, and stop that: ' +
      'postpace suspend stops a provider. No limit was changed.',
    reply: null,
    rule: null,
    queueId: null,
  };
}

const STOPPED =
  'postpace has stopped mail to this provider: it is held, and tried again one message at a time ' +
  'when the block should be over.';
const DELISTING =
  'Read what the reply says about being taken off the list; if mail goes on being refused, ask ' +
  'the provider.';
const AS_SAID = 'Mend what the reply names.';
const CURES: ReadonlyMap<string, string> = new Map<Category, string>([
  ['auth_failure', "Check SPF, DKIM and DMARC of the sender's domain."],
  [
    'bad_rdns',
    'The sending address needs a PTR record whose name resolves to that address, and Postfix ' +
      'should greet with it (smtp_helo_name).',
  ],
  ['sender_rejected', "The sender's domain must exist, with an MX or an address that takes mail."],
]);

/**
 * The alert as a message for sendmail(1). The header is there for lanes and filters, and
 * Auto-Submitted (RFC 3834) keeps robots from answering.
 */
export function alertMail(alert: Alert, to: string, host: string): string {
  const { provider, reply, rule, queueId } = alert;
  const facts = [
    ...(reply === null ? [] : [`The reply was:\n\n  ${reply}\n`]),
    ...(rule === null ? [] : [`Recognised by: ${rule}`]),
    ...(queueId === null ? [] : [`Queue id: ${queueId}`]),
  ];
  return [
    'From: postpace <postpace>',
    `To: ${to}`,
    `Subject: ${host}: ${alert.summary}`,
    'Auto-Submitted: auto-generated',
    `${ALERT_HEADER}: ${alert.cause}`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
    '',
    `${alert.summary}.`,
    '',
    alert.advice,
    '',
    ...facts,
    '',
    `  postpace status ${provider}`,
    `  postpace limits history ${provider}`,
    `  postpace feedback list ${provider}`,
    '',
    'The same cause is told at most once an hour.',
    '',
  ].join('\n');
}
