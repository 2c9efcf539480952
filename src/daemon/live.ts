/**
 * What the configuration and Postfix's own say, as of now: replaced as a whole by a reload, asked
 * anew each time by everybody else.
 */
import { networkInterfaces } from 'node:os';
import type { Config } from '../config/config.ts';
import { createLaneOf, headerNames } from '../config/lane.ts';
import { parseAddress } from '../mail/address.ts';
import type { Origin } from '../mail/origin.ts';
import type { Target } from '../pace/audience.ts';
import type { PaceSettings } from '../pace/wire.ts';
import { Outbound, readOutbound } from '../postfix/outbound.ts';
import { readPostfix, type PostfixSettings } from '../postfix/settings.ts';
import type { Mode } from '../provider/provider.ts';
import { createResolver, type Resolver } from '../provider/resolve.ts';

/** Part of maximal_queue_lifetime that mail may be held at most, and unless told otherwise. */
const MOST = 1 / 2;
const USUAL = 1 / 4;

export interface LiveParts {
  readonly nowMs: () => number;
  readonly outcomesSeen: () => boolean;
  readonly onTrouble: (error: Error) => void;
}

export class Live {
  readonly #parts: LiveParts;
  config: Config;
  postfix: PostfixSettings;
  outbound: Outbound;
  resolver: Resolver;
  readonly #machines = machineAddresses();
  #laneOf: (origin: Origin) => string;
  /** Headers that lanes go by, in lower case. */
  headerNames: ReadonlySet<string>;
  #laneIndex: ReadonlyMap<string, number>;

  private constructor(
    parts: LiveParts,
    config: Config,
    postfix: PostfixSettings,
    outbound: Outbound,
  ) {
    this.#parts = parts;
    this.config = config;
    this.postfix = postfix;
    this.outbound = outbound;
    this.resolver = createResolver(config);
    this.#laneOf = createLaneOf(config.lanes);
    this.headerNames = headerNames(config.lanes);
    this.#laneIndex = indexOf(config);
  }

  /** Rejects with an Error that says what Postfix complained about. */
  static async read(config: Config, parts: LiveParts): Promise<Live> {
    const { postfix, outbound } = await readMail(config, parts);
    return new Live(parts, config, postfix, outbound);
  }

  /** All or nothing: what can't be read leaves everything as it was. */
  async replace(config: Config): Promise<void> {
    const { postfix, outbound } = await readMail(config, this.#parts);
    this.postfix = postfix;
    this.outbound = outbound;
    this.config = config;
    this.resolver = createResolver(config);
    this.#laneOf = createLaneOf(config.lanes);
    this.headerNames = headerNames(config.lanes);
    this.#laneIndex = indexOf(config);
  }

  modeOf(provider: string): Mode {
    return this.resolver.provider(provider).mode ?? this.config.mode;
  }

  /** What other servers see us come from: as configured, else the machine's own addresses. */
  ownAddresses(): readonly string[] {
    const { ownAddresses } = this.config;
    return ownAddresses.length > 0 ? ownAddresses : this.#machines;
  }

  /** undefined: it stays on this machine, or has no domain. */
  targetOf(recipient: string): Target | undefined {
    const address = parseAddress(recipient);
    if (address.kind === 'null' || address.destination === undefined) return undefined;
    if (!this.outbound.leaves(address.destination)) return undefined;
    const { id, mode } = this.resolver.resolve(address.destination);
    return { id, mode: mode ?? this.config.mode };
  }

  /** Looks up what targetOf needs to know of these recipients. */
  async prepare(recipients: readonly string[]): Promise<void> {
    const destinations = new Set<string>();
    for (const recipient of recipients) {
      const address = parseAddress(recipient);
      if (address.kind === 'mailbox' && address.destination !== undefined) {
        destinations.add(address.destination);
      }
    }
    await Promise.all([...destinations].flatMap((one) => this.outbound.prepare(one) ?? []));
  }

  /** Providers of these recipients, in order of first mention. */
  providersOf(recipients: readonly string[]): readonly string[] {
    const ids = recipients.flatMap((recipient) => this.targetOf(recipient)?.id ?? []);
    return [...new Set(ids)];
  }

  /** Whose limits mail to the recipient counts for, and why; no provider: nobody's. */
  because(recipient: string): { readonly provider: string | undefined; readonly because: string } {
    const target = this.targetOf(recipient);
    const address = parseAddress(recipient);
    if (target === undefined || address.kind === 'null' || address.destination === undefined) {
      return { provider: undefined, because: 'stays on this machine' };
    }
    const { because } = this.resolver.resolve(address.destination);
    return { provider: target.id, because };
  }

  /** Whether mail to any provider may be refused for now. */
  get refuses(): boolean {
    const { mode, providers } = this.config;
    return mode === 'tempfail' || providers.some((provider) => provider.mode === 'tempfail');
  }

  maxHoldMs(lane: string): number {
    const { lanes, maxHoldMs } = this.config;
    const lifetimeMs = this.postfix.maximalQueueLifetimeMs;
    const wanted = lanes.find(({ name }) => name === lane)?.maxHoldMs ?? maxHoldMs;
    return Math.min(wanted ?? lifetimeMs * USUAL, lifetimeMs * MOST);
  }

  /** What pacing asks, each time anew. */
  settings(): PaceSettings {
    return {
      limitsOf: (provider) => this.resolver.provider(provider).limits,
      targetOf: (recipient) => this.targetOf(recipient),
      prepare: (recipients) => this.prepare(recipients),
      laneOf: (origin) => this.#laneOf(origin),
      laneIndex: (lane) => this.#laneIndex.get(lane) ?? this.#laneIndex.get('default') ?? 0,
      bestLane: () => this.config.lanes[0]?.name ?? 'default',
      backoff: () => this.config.retry,
      maxHoldMs: (lane) => this.maxHoldMs(lane),
      onMaxHold: () => this.config.onMaxHold,
      adoptAll: () => this.config.adopt === 'all',
      outcomesSeen: this.#parts.outcomesSeen,
      doorWaitMs: () => this.config.tempfail.waitMs,
    };
  }
}

async function readMail(
  { postfix: { configDirectory, outboundTransports } }: Config,
  { nowMs, onTrouble }: LiveParts,
): Promise<{ readonly postfix: PostfixSettings; readonly outbound: Outbound }> {
  const postfix = await readPostfix(configDirectory);
  const outbound = await readOutbound(postfix, {
    now: nowMs,
    onTrouble,
    ...(outboundTransports && { transports: outboundTransports }),
  });
  return { postfix, outbound };
}

/** The machine's addresses but the loopback's. */
function machineAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((some = []) =>
    some.flatMap(({ address, internal }) => (internal ? [] : [address])),
  );
}

function indexOf({ lanes }: Config): ReadonlyMap<string, number> {
  return new Map(lanes.map(({ name }, index) => [name, index]));
}
