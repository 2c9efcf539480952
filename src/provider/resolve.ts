/**
 * Destination -> provider. A listed domain belongs to its provider, exactly as listed: mail to
 * `lists.utc.fr` is not `utc.fr`'s unless it is listed too. Every other destination is a provider of
 * its own under the default limits, made when asked for, so that many destinations cost no memory.
 */
import type { Limits } from '../limit/limits.ts';
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
  /** The provider of a destination as toDestination writes it. */
  resolve(destination: string): Resolution;
  /** The provider with an id that `resolve` gave, or that a postmaster typed. */
  provider(id: string): Resolution;
  /** Ids of the named providers. */
  names(): readonly string[];
  /** Whether the id is a named provider, not a destination of its own. */
  isNamed(id: string): boolean;
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

  const isNamed = (id: string): boolean => byId.has(id);
  // A destination without a dot may be called like a provider (`root@gmail`, an inside host): the
  // trailing dot, which no destination has, keeps the two apart.
  const own = (destination: string): Resolution => ({
    id: isNamed(destination) || destination === 'default' ? `${destination}.` : destination,
    name: destination,
    limits: config.default,
    because: 'destination of its own',
    source: 'default',
  });

  return {
    isNamed,
    names: () => [...byId.keys()],
    resolve: (destination) => byDomain.get(destination) ?? own(destination),
    provider: (id) =>
      byId.get(id) ?? byDomain.get(id) ?? own(id.endsWith('.') ? id.slice(0, -1) : id),
  };
}

function resolutionOf(provider: Provider, because: string): Resolution {
  const { id, name, limits, mode, source } = provider;
  return { id, name, limits, because, source, ...(mode !== undefined && { mode }) };
}
