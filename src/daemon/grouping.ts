/**
 * Which provider a destination counts for, in this daemon: by the lists of the configuration, else
 * by its MX as far as DNS has told, else itself. Knows as well what it can say about why.
 */
import type { Config } from '../config/config.ts';
import { parseAddress } from '../mail/address.ts';
import type { PaceLog } from '../pace/log.ts';
import { Membership } from '../pace/membership.ts';
import type { DnsServer } from '../provider/dns-exchange.ts';
import { systemDnsServers } from '../provider/dns-server.ts';
import { isDomain } from '../provider/mx-answer.ts';
import { MxCache, type MxKnowledge } from '../provider/mx-cache.ts';
import { registrableOf } from '../provider/mx-group.ts';
import { lookUpMx } from '../provider/mx-lookup.ts';
import { createResolver, type Resolution, type Resolver } from '../provider/resolve.ts';
import { localTime } from './time.ts';

export interface GroupingParts {
  readonly nowMs: () => number;
  readonly log: PaceLog;
}

export class Grouping {
  readonly membership: Membership;
  readonly #cache: MxCache;
  #resolver: Resolver;
  #servers: readonly DnsServer[];
  #asksDns: boolean;

  constructor(config: Config, { nowMs, log }: GroupingParts) {
    this.#resolver = createResolver(config);
    this.#servers = serversOf(config);
    this.#asksDns = config.dns.groupByMx;
    this.#cache = new MxCache({ lookUp: (domain) => lookUpMx(domain, this.#servers), nowMs });
    this.membership = new Membership({
      nowMs,
      log,
      memberOf: (recipient, provider) => this.#memberOf(recipient, provider),
      ownId: (destination) => this.#resolver.resolve(destination).id,
      ofHost: (host) => this.#resolver.ofHost(host),
    });
  }

  /** Another configuration; what DNS said is kept, and read by the new rules. */
  replace(config: Config): void {
    this.#resolver = createResolver(config);
    this.#servers = serversOf(config);
    this.#asksDns = config.dns.groupByMx;
  }

  get resolver(): Resolver {
    return this.#resolver;
  }

  /** Begins to look up what is not known of a destination; costs nothing where a list decides. */
  start(destination: string): void {
    if (this.#asks(destination)) this.#cache.start(destination);
  }

  /** Resolves when the lookups are over, half a second after they were begun at the latest. */
  wait(destinations: readonly string[]): Promise<void> | undefined {
    return this.#cache.wait(destinations);
  }

  /** Whom fresh mail to the destination counts for. */
  resolve(destination: string): Resolution {
    if (!this.#asks(destination)) return this.#resolver.resolve(destination);
    if (this.membership.apart(destination) !== undefined) return this.#apart(destination);
    const known = this.#cache.get(destination);
    return this.#resolver.resolve(destination, known?.kind === 'known' ? known.answer : undefined);
  }

  /** As `resolve`, and how long that holds. */
  explain(destination: string): string {
    const { because } = this.resolve(destination);
    if (!this.#asks(destination) || this.membership.apart(destination) !== undefined) {
      return because;
    }
    return `${because}${since(this.#cache.get(destination))}`;
  }

  /** The provider with an id that `resolve` gave, with the limits that hold for it. */
  provider(id: string): Resolution {
    const destination = id.endsWith('.') ? id.slice(0, -1) : id;
    return this.#resolver.isNamed(id) || this.membership.apart(destination) === undefined
      ? this.#resolver.provider(id)
      : this.#apart(destination);
  }

  /** Whether the destination counts for the provider by its MX, which its owner may point anywhere. */
  isMember(destination: string, provider: string): boolean {
    return (
      !this.#resolver.isListed(destination) &&
      this.#resolver.resolve(destination).id !== provider &&
      this.#resolver.provider(ownerOf(destination)).id !== provider
    );
  }

  #memberOf(recipient: string, provider: string) {
    const address = parseAddress(recipient);
    if (address.kind === 'null' || address.destination === undefined) return undefined;
    const { destination } = address;
    if (!this.isMember(destination, provider)) return undefined;
    return { destination, owner: ownerOf(destination) };
  }

  #asks(destination: string): boolean {
    return this.#asksDns && !this.#resolver.isListed(destination) && isDomain(destination);
  }

  /** A provider of its own, and no faster than the one that its MX names. */
  #apart(destination: string): Resolution {
    const own = this.#resolver.resolve(destination);
    const apart = this.membership.apart(destination);
    if (apart === undefined) return own;
    const { limits, name, mode } = this.#resolver.provider(apart.from);
    const at = localTime(apart.refusedMs);
    return {
      ...own,
      limits,
      ...(mode !== undefined && { mode }),
      because:
        `destination of its own: set apart from ${apart.from}, which its MX names, until mail to ` +
        `it is taken again; at ${at} it was deferred: ${apart.reply}`,
      source: `those of ${name}, which its MX names`,
    };
  }
}

function ownerOf(destination: string): string {
  return registrableOf(destination) ?? destination;
}

function serversOf({ dns }: Config): readonly DnsServer[] {
  return dns.servers ?? systemDnsServers();
}

function since(known: MxKnowledge | undefined): string {
  if (known === undefined) return '';
  switch (known.kind) {
    case 'known': {
      const until = localTime(known.untilMs);
      if (known.fresh) return `; known until ${until}`;
      const why = known.failed === undefined ? 'has not answered since' : `fails: ${known.failed}`;
      return `; known until ${until}, and DNS ${why}`;
    }
    case 'asked':
      return ': DNS has not told its MX yet';
    case 'failed':
      return `: DNS fails: ${known.why}; asked again at ${localTime(known.againMs)}`;
    default:
      return known satisfies never;
  }
}
