/** Providers and their limits: the file's parts laid over the built-in pack. Pure. */
import type { Limits, Pace, SenderLimits } from '../limit/limits.ts';
import { defaultBurst } from '../limit/rate.ts';
import type { Provider } from '../provider/provider.ts';
import type { LimitsPart, ProviderPart } from './schema.ts';

/** The pack as the file changes it, in the pack's order, then the file's own providers. */
export function providersOf(
  parts: Readonly<Record<string, ProviderPart>>,
  pack: readonly Provider[],
  defaults: Limits,
): readonly Provider[] {
  const byId = new Map(Object.entries(parts));
  const claimed = new Set([...byId].flatMap(([id, part]) => domainsOf(id, part)));
  const suffixes = new Set([...byId.values()].flatMap((part) => part.mx_suffixes ?? []));
  const changed = pack.map((provider) => {
    // The file's word on a domain or a mail host goes before the pack's.
    const domains = provider.domains.filter((domain) => !claimed.has(domain));
    const mxSuffixes = provider.mxSuffixes.filter((suffix) => !suffixes.has(suffix));
    return overridden({ ...provider, domains, mxSuffixes }, byId.get(provider.id) ?? {});
  });
  const builtIn = new Set(pack.map((provider) => provider.id));
  const added = [...byId].filter(([id]) => !builtIn.has(id));
  return [...changed, ...added.map(([id, part]) => defined(id, part, defaults))];
}

/** A provider called like a domain has that domain: `example.org: { pace: 5/min }`. */
export function domainsOf(id: string, part: ProviderPart): readonly string[] {
  const domains = part.domains ?? [];
  return id.includes('.') && !domains.includes(id) ? [id, ...domains] : domains;
}

/** The base's limits with what the part names in their place. */
export function limitsOf(part: LimitsPart, base: Limits): Limits {
  const pace = paceOf(part, base.pace);
  const inFlight = part.in_flight ?? base.inFlight;
  return {
    ...(pace !== undefined && { pace }),
    quotas: part.quotas ?? base.quotas,
    ...(inFlight !== undefined && inFlight !== 'none' && { inFlight }),
    ...perSenderOf(part, base),
  };
}

/** Replaced as a whole; one that limits nothing is none. */
function perSenderOf(
  { per_sender: part }: LimitsPart,
  { perSender: base }: Limits,
): { readonly perSender?: SenderLimits } {
  if (part === undefined) return base === undefined ? {} : { perSender: base };
  const pace = paceOf(part, undefined);
  const { quotas = [] } = part;
  if (pace === undefined && quotas.length === 0) return {};
  return { perSender: { ...(pace !== undefined && { pace }), quotas } };
}

/** A pace given without a burst has the burst that goes with it, not the base's. */
function paceOf(part: LimitsPart, base: Pace | undefined): Pace | undefined {
  if (part.pace === 'none') return undefined;
  if (part.pace === undefined) return base && { ...base, burst: part.burst ?? base.burst };
  return { ...part.pace, burst: part.burst ?? defaultBurst(part.pace.count) };
}

/** A built-in provider keeps what the file doesn't name, its burst included. */
function overridden(provider: Provider, part: ProviderPart): Provider {
  const mode = part.mode ?? provider.mode;
  const burst = part.burst ?? provider.limits.pace?.burst;
  return {
    id: provider.id,
    name: part.name ?? provider.name,
    domains: part.domains ?? provider.domains,
    mxSuffixes: part.mx_suffixes ?? provider.mxSuffixes,
    limits: limitsOf({ ...part, burst }, provider.limits),
    ...(mode !== undefined && { mode }),
    source: sourceOf(provider.source, part),
  };
}

const LIMIT_KEYS = ['pace', 'burst', 'quotas', 'in_flight'] as const;

function sourceOf(builtIn: string, part: LimitsPart): string {
  const given = LIMIT_KEYS.filter((key) => part[key] !== undefined);
  if (given.length === 0) return builtIn;
  // All of them given: nothing of the pack's figures is left to explain.
  return given.length === LIMIT_KEYS.length
    ? 'configuration'
    : `configuration (${given.join(', ')}); ${builtIn}`;
}

/** What a provider of the file's own leaves out, it has from `default`. */
function defined(id: string, part: ProviderPart, defaults: Limits): Provider {
  return {
    id,
    name: part.name ?? id,
    domains: domainsOf(id, part),
    mxSuffixes: part.mx_suffixes ?? [],
    limits: limitsOf(part, defaults),
    ...(part.mode !== undefined && { mode: part.mode }),
    source: 'configuration',
  };
}
