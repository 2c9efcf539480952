/**
 * Destination -> provider. A listed domain belongs to its provider, exactly as listed: mail to
 * `lists.utc.fr` is not `utc.fr`'s unless it is listed too. Of every other destination the MX hosts
 * decide, where they are known and all agree. What is left is a provider of its own under the
 * default limits, made when asked for, so that many destinations cost no memory.
 */
import type { Limits } from '../limit/limits.ts';
import type { MxAnswer } from './mx-answer.ts';
import { groupOf, hostGroup, type MxGroup, mxRulesOf } from './mx-group.ts';
import type { Mode, Provider } from './provider.ts';

export interface Resolution {
  /** Names the provider's state in the store. */
  readonly id: string;
  readonly name: string;
  readonly limits: Limits;
  /** Absent: the general mode. */
  readonly mode?: Mode;
  /** Why this provider: `listed domain utc.fr`, `destination of its own`. */
  readonly because: string;
  /** Where the limits come from. */
  readonly source: string;
}

export interface Resolver {
  /** The provider of a destination as toDestination writes it; `mx`: what is known of its MX. */
  resolve(destination: string, mx?: MxAnswer): Resolution;
  /** The provider with an id that `resolve` gave, or that a postmaster typed. */
  provider(id: string): Resolution;
  /** Ids of the named providers. */
  names(): readonly string[];
  /** Whether the id is a named provider, not a destination of its own. */
  isNamed(id: string): boolean;
  /** Whether a provider lists the destination: its MX is not asked for. */
  isListed(destination: string): boolean;
  /** The provider that a mail host belongs to by its name (lower case). */
  ofHost(host: string): string | undefined;
}

/** Of two providers that list one domain the later one gets it. */
export function createResolver(config: {
  readonly providers: readonly Provider[];
  readonly default: Limits;
}): Resolver {
  const byId = new Map<string, Resolution>();
  const byDomain = new Map<string, Resolution>();
  for (const provider of config.providers) {
    byId.set(provider.id, resolutionOf(provider, 'provider by name'));
    for (const domain of provider.domains) {
      byDomain.set(domain, resolutionOf(provider, `listed domain ${domain}`));
    }
  }
  const rules = mxRulesOf(config.providers);

  const isNamed = (id: string): boolean => byId.has(id);
  // A destination without a dot may be called like a provider (`root@gmail`, an inside host): the
  // trailing dot, which no destination has, keeps the two apart.
  const own = (destination: string, because: string): Resolution => ({
    id: isNamed(destination) || destination === 'default' ? `${destination}.` : destination,
    name: destination,
    limits: config.default,
    because,
    source: 'default',
  });
  const provider = (id: string): Resolution =>
    byId.get(id) ??
    byDomain.get(id) ??
    own(id.endsWith('.') ? id.slice(0, -1) : id, 'destination of its own');

  const ofGroup = (destination: string, group: MxGroup): Resolution => {
    switch (group.kind) {
      case 'suffix': {
        const because = `MX host ${group.host}, by the rule ${group.suffix}`;
        return { ...provider(group.id), because };
      }
      case 'registrable': {
        const found = provider(group.domain);
        return { ...found, because: `MX host ${group.host}, in ${group.domain}` };
      }
      case 'own':
        return own(destination, `destination of its own: ${group.why}`);
      default:
        return group satisfies never;
    }
  };
  // An answer is asked about for each message until its TTL is over.
  const known = new WeakMap<MxAnswer, Resolution>();
  const nameOf = (domain: string): string => provider(domain).id;
  const byMx = (destination: string, mx: MxAnswer): Resolution => {
    let found = known.get(mx);
    if (found === undefined) {
      found = ofGroup(destination, groupOf(mx, rules, nameOf));
      known.set(mx, found);
    }
    return found;
  };

  return {
    isNamed,
    isListed: (destination) => byDomain.has(destination),
    names: () => [...byId.keys()],
    resolve: (destination, mx) =>
      byDomain.get(destination) ??
      (mx === undefined ? own(destination, 'destination of its own') : byMx(destination, mx)),
    provider,
    ofHost(host) {
      const group = hostGroup(host, rules);
      if (group === undefined) return undefined;
      return group.kind === 'suffix' ? group.id : nameOf(group.domain);
    },
  };
}

function resolutionOf(provider: Provider, because: string): Resolution {
  const { id, name, limits, mode, source } = provider;
  return { id, name, limits, because, source, ...(mode !== undefined && { mode }) };
}
