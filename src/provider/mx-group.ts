/**
 * Which provider a mail host belongs to, by its name: a listed ending (the longest that fits), else
 * the registrable domain. And which one a domain belongs to: the one that all its MX hosts share.
 */
import { getDomain } from 'tldts';
import type { MxAnswer } from './mx-answer.ts';
import type { Provider } from './provider.ts';

export type MxGroup =
  /** Every host ends in one of a provider's suffixes; `host` and `suffix` are the first's. */
  | { readonly kind: 'suffix'; readonly id: string; readonly host: string; readonly suffix: string }
  /** No suffix fits, and every host lies in this domain. */
  | { readonly kind: 'registrable'; readonly domain: string; readonly host: string }
  /** None: `why` says it in words. */
  | { readonly kind: 'own'; readonly why: string };

/** Provider ids by suffix, `.google.com`. */
export type MxRules = ReadonlyMap<string, string>;

/** Of two providers with one suffix the later one gets it. */
export function mxRulesOf(providers: readonly Provider[]): MxRules {
  return new Map(
    providers.flatMap(({ id, mxSuffixes }) => mxSuffixes.map((suffix) => [suffix, id] as const)),
  );
}

/**
 * The domain that somebody registered, by the public suffix list; names below a suffix that a
 * company gives its customers (`github.io`) are each their own. undefined: the name is such a suffix.
 */
export function registrableOf(host: string): string | undefined {
  return getDomain(host, { allowPrivateDomains: true, extractHostname: false }) ?? undefined;
}

type HostGroup = MxGroup & { readonly kind: 'suffix' | 'registrable' };

/** `host` in lower case; undefined: it belongs to nobody in particular. */
export function hostGroup(host: string, rules: MxRules): HostGroup | undefined {
  for (let dot = host.indexOf('.'); dot > 0; dot = host.indexOf('.', dot + 1)) {
    const suffix = host.slice(dot);
    const id = rules.get(suffix);
    if (id !== undefined) return { kind: 'suffix', id, host, suffix };
  }
  const domain = registrableOf(host);
  return domain === undefined ? undefined : { kind: 'registrable', domain, host };
}

/** `nameOf` tells under which name two registrable domains would be one provider. */
export function groupOf(
  answer: MxAnswer,
  rules: MxRules,
  nameOf: (domain: string) => string,
): MxGroup {
  switch (answer.kind) {
    case 'hosts':
      return agreed(answer.hosts, rules, nameOf);
    case 'null':
      return { kind: 'own', why: 'its null MX says that it takes no mail' };
    case 'address':
      return { kind: 'own', why: 'it has no MX: mail goes to its own address' };
    case 'missing':
      return { kind: 'own', why: 'DNS knows no such domain' };
    case 'unusable':
      return { kind: 'own', why: answer.why };
    default:
      return answer satisfies never;
  }
}

function agreed(
  hosts: readonly string[],
  rules: MxRules,
  nameOf: (domain: string) => string,
): MxGroup {
  let first: HostGroup | undefined;
  for (const host of hosts) {
    const group = hostGroup(host, rules);
    if (group === undefined) return { kind: 'own', why: `its MX host ${host} is nobody's` };
    if (first === undefined) first = group;
    else if (keyOf(group, nameOf) !== keyOf(first, nameOf)) {
      const both = `${first.host} and ${host}`;
      return { kind: 'own', why: `its MX hosts ${both} belong to different providers` };
    }
  }
  return first ?? { kind: 'own', why: 'it lists no MX host' };
}

function keyOf(group: HostGroup, nameOf: (domain: string) => string): string {
  return group.kind === 'suffix' ? group.id : nameOf(group.domain);
}
