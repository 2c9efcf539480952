/**
 * A rule as extended regular expressions (POSIX) over one line of a reply: `550 5.7.1 text`. Group 1
 * is the code without its 5, group 2 all that comes after it.
 */
import type { Phrase, Segment } from './phrase.ts';
import type { Rule } from './rule.ts';

export interface RulePatterns {
  /** One of these fits; empty: no reply with 5xx is the rule's. */
  readonly says: readonly string[];
  /** None of these fits. */
  readonly unless: readonly string[];
}

/** Alternatives that end alike. */
interface Part {
  readonly text: string;
  readonly atStart: boolean;
  readonly atEnd: boolean;
}

const ANY_CODE = '[0-9][0-9]';
const ADDRESS = '[0-9]{1,3}[.][0-9]{1,3}[.][0-9]{1,3}[.][0-9]{1,3}';
const BOUNDARY = '[^[:alnum:]]';

export function rulePatterns(rule: Rule): RulePatterns {
  const code = codePattern(rule.codes);
  const status = statusPattern(rule.statuses);
  if (code === undefined || status === undefined) return { says: [], unless: [] };
  const head = status === '' ? [] : [status];
  const bodies = rule.says.length === 0 ? [[]] : rule.says.flatMap(sequences);
  return {
    says: bodies.map((parts) => linePattern(code, head, parts)),
    unless: rule.unless.flatMap(sequences).map((parts) => linePattern(ANY_CODE, [], parts)),
  };
}

/** undefined: 4xx alone. */
function codePattern(codes: readonly string[]): string | undefined {
  if (codes.length === 0 || codes.includes('5')) return ANY_CODE;
  const ours = codes.filter((code) => code.startsWith('5')).map((code) => code.slice(1));
  return ours.length === 0 ? undefined : ours.join('|');
}

/** '': none is asked for; undefined: one of 4.x.x alone. */
function statusPattern(statuses: readonly string[]): string | undefined {
  if (statuses.length === 0) return '';
  const ours = statuses.filter((status) => status.startsWith('5'));
  if (ours.length === 0) return undefined;
  const patterns = ours.map((status) => {
    const known = status.split('.');
    return [...known, '[0-9]{1,3}', '[0-9]{1,3}'].slice(0, 3).join('[.]');
  });
  return `(${patterns.join('|')})`;
}

function linePattern(code: string, head: readonly string[], parts: readonly Part[]): string {
  let body = head.map((status) => ` ${status}`).join('');
  let needsBoundary = body !== '';
  for (const { text, atStart, atEnd } of parts) {
    // What ends one part may begin the next: one character is boundary enough for both.
    if (needsBoundary && atStart) body += `${BOUNDARY}(.*${BOUNDARY})?`;
    else if (needsBoundary) body += `(${BOUNDARY}.*)?`;
    else body += atStart ? `.*${BOUNDARY}` : '.*';
    body += text;
    needsBoundary = atEnd;
  }
  return `^5(${code})(${body}${needsBoundary ? `(${BOUNDARY}.*)?` : '.*'})$`;
}

/** A phrase, one of its alternatives for each part; those with like boundaries are one. */
function sequences(phrase: Phrase): readonly (readonly Part[])[] {
  return phrase
    .map(partsOf)
    .reduce<readonly (readonly Part[])[]>(
      (all, parts) => all.flatMap((begun) => parts.map((part) => [...begun, part])),
      [[]],
    );
}

function partsOf(segments: readonly Segment[]): readonly Part[] {
  const alike = new Map<string, Segment[]>();
  for (const segment of segments) {
    const key = `${segment.atStart} ${segment.atEnd}`;
    alike.set(key, [...(alike.get(key) ?? []), segment]);
  }
  return [...alike.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const texts = group.map(({ text }) => textPattern(text));
    const text = texts.length === 1 ? (texts[0] ?? '') : `(${texts.join('|')})`;
    return [{ text, atStart: first.atStart, atEnd: first.atEnd }];
  });
}

/** What readReply made of a reply is undone: blanks, addresses, `@` for a mailbox. */
function textPattern(text: string): string {
  return text
    .replaceAll(/[.[{()\\*+?|^$/]/g, '\\$&')
    .replaceAll(/(?<![a-z0-9])ip(?![a-z0-9])/g, `(ip|${ADDRESS})`)
    .replaceAll(' ', '[[:space:]]+')
    .replaceAll('@', '[^ ]*@[^ ]*');
}
