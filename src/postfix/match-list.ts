/**
 * A list of domains as mydestination or relay_domains has it: names, `type:table`, `/file` with
 * more of the same, `!` before any of them; the first that fits decides (Postfix's match_list(3)).
 */
import { readFile } from 'node:fs/promises';
import type { LookUp } from './lookup.ts';
import { splitMilters } from './milter-list.ts';

interface Pattern {
  readonly negated: boolean;
  readonly kind: 'name' | 'table';
  readonly text: string;
}

export interface MatchList {
  readonly patterns: readonly Pattern[];
  /** undefined: whole names only; else which form of a parent stands for its subdomains too. */
  readonly parents: 'name' | 'dot-name' | undefined;
}

/** Files in files are read; a loop of them ends here. */
const DEEPEST = 10;

/** Rejects when a file in the list can't be read. */
export async function readMatchList(
  text: string,
  parents: MatchList['parents'],
): Promise<MatchList> {
  return { patterns: await readPatterns(text, DEEPEST), parents };
}

async function readPatterns(text: string, depth: number): Promise<readonly Pattern[]> {
  const lists = await Promise.all(
    splitMilters(text).map(async (word): Promise<readonly Pattern[]> => {
      const bare = word.replace(/^!+/, '');
      const negated = (word.length - bare.length) % 2 === 1;
      if (bare.startsWith('/') && depth > 0) {
        const inner = await readPatterns(withoutComments(await readFile(bare, 'utf8')), depth - 1);
        return inner.map((pattern) => ({ ...pattern, negated: pattern.negated !== negated }));
      }
      const table = /^[a-z_]+:/.test(bare);
      return [{ negated, kind: table ? 'table' : 'name', text: table ? bare : bare.toLowerCase() }];
    }),
  );
  return lists.flat();
}

function withoutComments(text: string): string {
  return text
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('#'))
    .join('\n');
}

/** The names under which a domain can stand in a list or table: itself, then its parents. */
export function* namesOf(domain: string, parents: MatchList['parents']): Generator<string> {
  yield domain;
  if (parents === undefined) return;
  const skip = parents === 'name' ? 1 : 0;
  for (let dot = domain.indexOf('.', 1); dot >= 0; dot = domain.indexOf('.', dot + 1))
    yield domain.slice(dot + skip);
}

/** Whether a table must be asked for some domains. */
export function hasTables({ patterns }: MatchList): boolean {
  return patterns.some(({ kind }) => kind === 'table');
}

/** Whether the domain is in a list without tables. */
export function isNamed(list: MatchList, domain: string): boolean {
  if (list.patterns.length === 0) return false;
  const names = [...namesOf(domain, list.parents)];
  const found = list.patterns.find(({ text }) => names.includes(text));
  return found !== undefined && !found.negated;
}

/** Whether the domain is in the list. Rejects when a table can't be read. */
export async function matches(list: MatchList, domain: string, lookUp: LookUp): Promise<boolean> {
  const names = [...namesOf(domain, list.parents)];
  for (const pattern of list.patterns) {
    const fits =
      pattern.kind === 'name'
        ? names.includes(pattern.text)
        : (await lookUp(pattern.text, names)).size > 0;
    if (fits) return !pattern.negated;
  }
  return false;
}
