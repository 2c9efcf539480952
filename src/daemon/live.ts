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
import type { Grouped } from '../pace/item.ts';
import type { PaceLog } from '../pace/log.ts';
import type { PaceSettings } from '../pace/wire.ts';
import { Outbound, readOutbound } from '../postfix/outbound.ts';
import { readPostfix, type PostfixSettings } from '../postfix/settings.ts';
import type { Mode } from '../provider/provider.ts';
import { Grouping } from './grouping.ts';

/** Part of maximal_queue_lifetime that mail may be held at most, and unless told otherwise. */
const MOST = 1 / 2;
const USUAL = 1 / 4;

export interface LiveParts {
  readonly nowMs: () => number;
  readonly log: PaceLog;
  readonly outcomesSeen: () => boolean;
  readonly onTrouble: (error: Error) => void;
}

export class Live {
  readonly #parts: LiveParts;
  config: Config;
  postfix: PostfixSettings;
  outbound: Outbound;
  readonly grouping: Grouping;
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
    this.grouping = new Grouping(config, parts);
    this.#laneOf = createLaneOf(config);
    this.headerNames = headerNames(config);
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
    this.grouping.replace(config);
    this.#laneOf = createLaneOf(config);
    this.headerNames = headerNames(config);
    this.#laneIndex = indexOf(config);
  }

  modeOf(provider: string): Mode {
    return this.grouping.provider(provider).mode ?? this.config.mode;
  }

  /** What other servers see us come from: as configured, else the machine's own addresses. */
  ownAddresses(): readonly string[] {
    const { ownAddresses } = this.config;
    return ownAddresses.length > 0 ? ownAddresses : this.#machines;
  }

  /** undefined: it stays on this machine, or has no domain. */
  targetOf(recipient: string, grouped?: Grouped): Target | undefined {
    const destination = destinationOf(recipient);
    if (destination === undefined || !this.outbound.leaves(destination)) return undefined;
    const { grouping } = this;
    const decided = grouped?.find(([one]) => one === destination)?.[1];
    const { id, mode = this.config.mode } =
      decided === undefined || grouping.resolver.isListed(destination)
        ? grouping.resolve(destination)
        : grouping.provider(decided);
    return { id, mode, ...(grouping.isMember(destination, id) && { member: destination }) };
  }

  /** See PaceSettings. */
  groupedOf(recipients: readonly string[]): Grouped | undefined {
    const grouped = new Map<string, string>();
    for (const recipient of recipients) {
      const destination = destinationOf(recipient);
      if (destination === undefined || grouped.has(destination)) continue;
      if (this.grouping.resolver.isListed(destination)) continue;
      grouped.set(destination, this.grouping.resolve(destination).id);
    }
    return grouped.size === 0 ? undefined : [...grouped];
  }

  /**
   * Whether it leaves, and if so its MX, which goes on behind. undefined: the first is known.
   * `mailer`: as outbound has it.
   */
  lookUp(destination: string, mailer?: string): Promise<void> | undefined {
    const begin = (): void => {
      if (this.outbound.leaves(destination, mailer)) this.grouping.start(destination);
    };
    const asked = this.outbound.prepare(destination, mailer);
    if (asked !== undefined) return asked.then(begin);
    begin();
    return undefined;
  }

  /** Looks up what targetOf needs to know of these recipients. Undefined: all of it is known. */
  prepare(recipients: readonly string[]): Promise<void> | undefined {
    const destinations = new Set<string>();
    for (const recipient of recipients) {
      const destination = destinationOf(recipient);
      if (destination !== undefined) destinations.add(destination);
    }
    const asked = [...destinations].flatMap((one) => this.lookUp(one) ?? []);
    if (asked.length === 0) return this.grouping.wait([...destinations]);
    return Promise.all(asked).then(() => this.grouping.wait([...destinations]));
  }

  /** Providers of these recipients, in order of first mention. */
  providersOf(recipients: readonly string[], grouped?: Grouped): readonly string[] {
    const ids = recipients.flatMap((recipient) => this.targetOf(recipient, grouped)?.id ?? []);
    return [...new Set(ids)];
  }

  /** Whose limits mail to the recipient counts for, and why; no provider: nobody's. */
  because(recipient: string): { readonly provider: string | undefined; readonly because: string } {
    const target = this.targetOf(recipient);
    const destination = destinationOf(recipient);
    if (target === undefined || destination === undefined) {
      return { provider: undefined, because: 'stays on this machine' };
    }
    return { provider: target.id, because: this.grouping.explain(destination) };
  }

  /** Whether mail to any provider may be refused for now. */
  get refuses(): boolean {
    const { mode, providers } = this.config;
    return mode === 'tempfail' || providers.some((provider) => provider.mode === 'tempfail');
  }

  /** Whether mail gets a token; where nothing is changed none is added. */
  get signs(): boolean {
    const { mode, feedback } = this.config;
    return feedback.token && mode !== 'observe';
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
      limitsOf: (provider) => this.grouping.provider(provider).limits,
      targetOf: (recipient, grouped) => this.targetOf(recipient, grouped),
      groupedOf: (recipients) => this.groupedOf(recipients),
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

function destinationOf(recipient: string): string | undefined {
  const address = parseAddress(recipient);
  return address.kind === 'null' ? undefined : address.destination;
}

function indexOf({ lanes }: Config): ReadonlyMap<string, number> {
  return new Map(lanes.map(({ name }, index) => [name, index]));
}
