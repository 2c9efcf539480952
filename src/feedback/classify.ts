/**
 * Reply -> classification. Asked in this order: the rules of the provider that the mail was for, the
 * texts that only one provider writes (its answer may come through another's server), what anybody
 * says, the enhanced status code, the reply code. Pure, and linear in the length of the reply.
 */
import { createAutomaton } from './automaton.ts';
import { blameOf, type Blame, type Evidence } from './blame.ts';
import type { Category, Group } from './category.ts';
import type { Phrase } from './phrase.ts';
import { readReply, type Reply, type Stage } from './reply.ts';
import type { Rule } from './rule.ts';

export interface Classification {
  readonly category: Category;
  readonly group: Group;
  /** Whose words they are: an id of the provider pack; else the provider that the mail was for. */
  readonly provider: string | undefined;
  /** Id of the rule; undefined: none fits, and the category is `other`. */
  readonly rule: string | undefined;
  readonly blames: Blame;
  /** How long this provider is known to keep it up. */
  readonly holdMs: number | undefined;
}

export interface Context extends Evidence {
  /** The provider that the mail was for, as the provider pack names it. */
  readonly provider?: string | undefined;
}

export interface Classifier {
  /** `reply`: as Postfix logged it, a Diagnostic-Code, or bare text; one line or several. */
  readonly classify: (reply: string, context?: Context) => Classification;
  /** The most phrases that one character of a reply can make it look at. */
  readonly mostPerCharacter: number;
}

/** Rules in the order in which they are asked, as loadRules gives them. */
export function createClassifier(rules: readonly Rule[]): Classifier {
  const phrases: Phrase[] = [];
  /** By index of the phrase: the ranks of the rules that want it, or that it rules out. */
  const wanting: number[] = [];
  const excluding: (number | undefined)[] = [];
  const byStatus = new Map<string, number[]>();
  const byCode = new Map<string, number[]>();
  for (const [rank, rule] of rules.entries()) {
    for (const phrase of rule.says) wanting[phrases.push(phrase) - 1] = rank;
    for (const phrase of rule.unless) excluding[phrases.push(phrase) - 1] = rank;
    if (rule.says.length > 0) continue;
    const [index, keys] =
      rule.statuses.length > 0 ? [byStatus, rule.statuses] : [byCode, rule.codes];
    for (const key of keys) index.set(key, [...(index.get(key) ?? []), rank]);
  }
  const automaton = createAutomaton(phrases);

  function choose(reply: Reply, provider: string | undefined): Rule | undefined {
    const found: number[] = [];
    automaton.find(reply.text, found);
    const out = found.map((phrase) => excluding[phrase]);
    const keys = { status: statusKeys(reply), code: codeKeys(reply) };
    let best: Rule | undefined;
    let bestPlace = Number.POSITIVE_INFINITY;
    const consider = (rank: number | undefined): void => {
      const rule = rank === undefined ? undefined : rules[rank];
      if (rank === undefined || rule === undefined || out.includes(rank)) return;
      const tier = tierOf(rule, provider);
      if (tier === undefined || !fits(rule, keys, reply.stage)) return;
      const place = tier * rules.length + rank;
      if (place >= bestPlace) return;
      bestPlace = place;
      best = rule;
    };
    for (const phrase of found) consider(wanting[phrase]);
    for (const key of keys.status) for (const rank of byStatus.get(key) ?? []) consider(rank);
    if (reply.code !== undefined) {
      for (const key of keys.code) for (const rank of byCode.get(key) ?? []) consider(rank);
    }
    return best;
  }

  return {
    mostPerCharacter: automaton.mostPerCharacter,
    classify: (text, context = {}) => {
      const reply = readReply(text);
      const rule = choose(reply, context.provider);
      const group = rule?.group ?? 'weather';
      return {
        category: rule?.category ?? 'other',
        group,
        provider: speaker(rule, context.provider),
        rule: rule?.id,
        blames: isRefusal(group) ? blameOf(reply.written, context) : 'unknown',
        holdMs: rule?.holdMs,
      };
    },
  };
}

/** 0: the provider's own; 1: another's, by words that only he uses; 2: anybody's. */
function tierOf(rule: Rule, provider: string | undefined): 0 | 1 | 2 | undefined {
  if (rule.providers.length === 0) return 2;
  if (provider !== undefined && rule.providers.includes(provider)) return 0;
  return rule.onlyThere ? undefined : 1;
}

function fits(rule: Rule, keys: Keys, stage: Stage | undefined): boolean {
  return (
    (rule.codes.length === 0 || keys.code.some((key) => rule.codes.includes(key))) &&
    (rule.statuses.length === 0 || keys.status.some((key) => rule.statuses.includes(key))) &&
    (rule.stages.length === 0 || (stage !== undefined && rule.stages.includes(stage)))
  );
}

interface Keys {
  readonly status: readonly string[];
  readonly code: readonly string[];
}

/** A status that comes without a code tells the code's first digit. */
function codeKeys({ code, status }: Reply): readonly string[] {
  if (code !== undefined) return [String(code), String(code).slice(0, 1)];
  return [status === undefined ? 'none' : status.slice(0, 1)];
}

/** `4.7.650` -> `4.7.650`, `4.7`, `4`. */
function statusKeys({ status }: Reply): readonly string[] {
  if (status === undefined) return [];
  return [status, status.slice(0, status.lastIndexOf('.')), status.slice(0, 1)];
}

function speaker(rule: Rule | undefined, provider: string | undefined): string | undefined {
  const [first] = rule?.providers ?? [];
  const known = provider !== undefined && rule?.providers.includes(provider) === true;
  return known ? provider : (first ?? provider);
}

/** Only a judgement on the sender has somebody to blame. */
function isRefusal(group: Group): boolean {
  return group === 'slow' || group === 'blocked' || group === 'judged' || group === 'ours';
}
