/**
 * Rules as a table of type regexp for Postfix's smtp_reply_filter: what a provider says with 5xx and
 * does not mean for good is turned into 450, with the true code in a mark that readReply knows.
 *
 * Postfix asks the table for each line of a reply, and the last line decides: only that one (code and
 * blank) is ever changed. The lines of the table stand in the order in which the classifier asks its
 * rules, so that a reply which another rule takes first is handed back as it was.
 */
import type { Rule } from './rule.ts';
import { rulePatterns } from './reply-pattern.ts';

export interface ReplyTableRequest {
  /** Whose replies they are, as the rules name it. */
  readonly provider: string;
  /** Blocks are turned as well: a probe that fails is to be held again, and not returned. */
  readonly isStopped: boolean;
  /** Ids of rules that an operator wants turned too. */
  readonly notFinal: readonly string[];
}

const TURNED = '450 4.7.0 [postpace 5${1}]${2}';
const KEPT = '5${1}${2}';

/** The text of the table. Pure. `rules`: as loadRules gives them. */
export function replyTable(rules: readonly Rule[], request: ReplyTableRequest): string {
  const { provider, isStopped } = request;
  const asked = inOrder(rules, provider);
  const last = asked.findLastIndex((rule) => isTurned(rule, request));
  const lines = asked.slice(0, last + 1).flatMap((rule) => {
    const result = isTurned(rule, request) ? TURNED : KEPT;
    const { says, unless } = rulePatterns(rule);
    if (says.length === 0) return [];
    return [
      `# ${rule.id}`,
      ...unless.map((pattern) => `if !/${pattern}/`),
      ...says.map((pattern) => `/${pattern}/ ${result}`),
      ...unless.map(() => 'endif'),
    ];
  });
  return [
    `# postpace keeps this file: what ${provider} says with 5xx and does not mean for good.`,
    `# ${isStopped ? 'It is stopped' : 'It is open'}: blocks are ${isStopped ? 'tried again later' : 'final'}.`,
    'if /^5[0-9][0-9] /',
    ...lines,
    'endif',
    '',
  ].join('\n');
}

/** Providers that a rule of their own gives a reason to filter for. */
export function filteredProviders(rules: readonly Rule[]): readonly string[] {
  const reasons = rules.filter(
    (rule) => rule.sample.startsWith('5') && (!rule.isFinal || rule.group === 'blocked'),
  );
  return [...new Set(reasons.flatMap(({ providers }) => providers))].toSorted();
}

/** Tier by tier, as in classify.ts. */
function inOrder(rules: readonly Rule[], provider: string): readonly Rule[] {
  // At which command a reply comes is not known here.
  const known = rules.filter(({ stages }) => stages.length === 0);
  return [
    ...known.filter(({ providers }) => providers.includes(provider)),
    ...known.filter(
      ({ providers, onlyThere }) =>
        providers.length > 0 && !providers.includes(provider) && !onlyThere,
    ),
    ...known.filter(({ providers }) => providers.length === 0),
  ];
}

function isTurned(rule: Rule, request: ReplyTableRequest): boolean {
  const { provider, isStopped, notFinal } = request;
  // Only what it says itself: with everybody's words each process of smtp(8) would read 80 kB.
  if (!rule.isFinal && rule.providers.includes(provider)) return true;
  return notFinal.includes(rule.id) || (isStopped && rule.group === 'blocked');
}
