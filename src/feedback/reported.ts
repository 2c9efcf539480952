/** What a report says of one recipient -> classification: the words of the other side, or what it is. */
import { groupOf } from './category.ts';
import type { Classification, Classifier, Context } from './classify.ts';
import type { GivenEvent } from './given-event.ts';
import type { ReportedRecipient } from './mail-report.ts';

/** `context`: the provider and our addresses; whom it was for is taken from the report. Pure. */
export function readReported(
  one: ReportedRecipient,
  classifier: Classifier,
  context: Pick<Context, 'provider' | 'ownAddresses'>,
): Classification {
  const { recipient, originalRecipient, reply, action } = one;
  switch (action) {
    case 'complained':
      return /auth-failure/.test(reply)
        ? plain('auth_failure', context)
        : plain('complaint', context);
    case 'replied':
      return plain('auto_reply', context);
    case 'delivered':
      return plain('delivered', context);
    case 'failed':
    case 'delayed':
      return inWords(one, classifier, { ...context, recipient, originalRecipient });
    default:
      return action satisfies never;
  }
}

/** The category that another gave it, with what only our rules know of the reply. Pure. */
export function readGiven(
  { recipient, remoteMta: relay, reply, category, blames }: GivenEvent,
  classifier: Classifier,
  context: Pick<Context, 'provider' | 'ownAddresses'>,
): Classification {
  const found = classifier.classify(reply, { ...context, recipient, relay });
  const base =
    found.category === category
      ? found
      : { ...found, category, group: groupOf(category), rule: undefined, holdMs: undefined };
  return { ...base, blames: blames ?? (category === 'complaint' ? 'ours' : base.blames) };
}

/** What a report of that category says of the recipient. */
export function actionGiven(category: GivenEvent['category']): ReportedRecipient['action'] {
  if (category === 'complaint') return 'complained';
  if (category === 'auto_reply') return 'replied';
  return category === 'delivered' ? 'delivered' : 'failed';
}

/** The reply decides; where it says nothing, what else is written may say it. */
function inWords(
  { reply, around, status }: ReportedRecipient,
  classifier: Classifier,
  context: Context,
): Classification {
  const first = classifier.classify(reply, context);
  const isByCode = first.rule?.startsWith('codes/') === true;
  // X.Y.0 is a code for those who have none.
  const isVague = first.rule === undefined || (isByCode && (status?.endsWith('.0') ?? true));
  if (!isVague || around === '') return first;
  const second = classifier.classify(`${reply} ${around}`, context);
  const isWords = second.rule?.startsWith('codes/') === false;
  return isWords || first.rule === undefined ? second : first;
}

function plain(
  category: 'auth_failure' | 'complaint' | 'auto_reply' | 'delivered',
  { provider }: Pick<Context, 'provider'>,
): Classification {
  const blames = category === 'complaint' || category === 'auth_failure' ? 'ours' : 'unknown';
  return {
    category,
    group: groupOf(category),
    provider,
    rule: undefined,
    blames,
    holdMs: undefined,
  };
}
