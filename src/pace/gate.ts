/**
 * One question to the store: may this message go now? Puts the limits in force together (the
 * configuration, an operator's override, a provider in trouble) and asks for all of them at once.
 */
import { slowed } from '../limit/factor.ts';
import type { Limits } from '../limit/limits.ts';
import type { Control, Debt, Demand, Refusal, Store } from '../store/store.ts';
import { overridden } from './ceiling.ts';
import type { Clock } from './clock.ts';
import type { Trouble } from './health.ts';
import type { Share } from './item.ts';
import type { Feedback } from './ports.ts';

/** `trouble`: the provider refuses or can't be reached; its next probe is not due. */
export type Cause = Omit<Refusal, 'kind'> & { readonly kind: Refusal['kind'] | 'trouble' };

export type Attempt =
  | {
      readonly ok: true;
      readonly debts: readonly Debt[];
      readonly exceeded: readonly { readonly provider: string; readonly text: string }[];
    }
  | {
      readonly ok: false;
      /** How long until asking again makes sense; Infinity: an event will tell. */
      readonly waitUs: number;
      readonly cause: Cause;
      readonly debts: readonly Debt[];
    };

export interface GateParts {
  readonly store: Store;
  readonly clock: Clock;
  /** The configured limits of a provider. */
  readonly limitsOf: (provider: string) => Limits;
  readonly troubleOf: (provider: string) => Trouble | undefined;
  readonly feedback: Feedback;
  /** Whether nothing was taken for these members yet by the provider that their MX names. */
  readonly areNew: (provider: string, members: readonly string[]) => boolean;
  /** Whether outcomes are seen at all: without a log nothing would ever free a place. */
  readonly outcomesSeen: () => boolean;
}

/** Every provider at once: the control that `pass --all` sets. */
export const EVERY = '*';

export class Gate {
  readonly #parts: GateParts;
  #controls: ReadonlyMap<string, Control> = new Map();
  /** By provider: most looks find the factor of the last one. */
  readonly #slowed = new Map<
    string,
    { readonly factor: number; readonly ceiling: Limits; readonly limits: Limits }
  >();

  constructor(parts: GateParts) {
    this.#parts = parts;
  }

  /** To be called at the start and whenever the store says that a control changed. */
  async readControls(): Promise<void> {
    this.#controls = await this.#parts.store.controls();
  }

  get controls(): ReadonlyMap<string, Control> {
    return this.#controls;
  }

  /** Whether an operator lets everything to this provider through just now. */
  passes(provider: string): boolean {
    if (this.#controls.size === 0) return false;
    const nowUs = this.#parts.clock.nowUs();
    return [EVERY, provider].some((name) => {
      const pass = this.#controls.get(name)?.pass;
      return pass !== undefined && (pass.untilUs ?? Infinity) > nowUs;
    });
  }

  /** Limits in force, before a provider's trouble: the ceiling, slowed by what the provider said. */
  limits(provider: string): Limits {
    if (this.isPinned(provider)) return this.ceiling(provider);
    const limits = this.#slowedLimits(provider);
    const places = this.#parts.feedback.places(provider);
    return places < (limits.inFlight ?? Infinity) ? { ...limits, inFlight: places } : limits;
  }

  #slowedLimits(provider: string): Limits {
    const factor = this.#parts.feedback.factor(provider);
    if (factor === 1) return this.ceiling(provider);
    const known = this.#slowed.get(provider);
    const ceiling = this.ceiling(provider);
    if (known?.factor === factor && known.ceiling === ceiling) return known.limits;
    const limits = slowed(ceiling, factor);
    this.#slowed.set(provider, { factor, ceiling, limits });
    return limits;
  }

  /** Configured limits with the override in force. */
  ceiling(provider: string): Limits {
    return overridden(this.#parts.limitsOf(provider), this.#override(provider));
  }

  /** An operator wants his override as it is, whatever the provider says. */
  isPinned(provider: string): boolean {
    return this.#override(provider)?.pinned === true;
  }

  #override(provider: string): Control['override'] {
    const override = this.#controls.get(provider)?.override;
    const isOver = (override?.untilUs ?? Infinity) <= this.#parts.clock.nowUs();
    return isOver ? undefined : override;
  }

  /**
   * What one provider is asked for: limits as they are enforced now, and those of the sender where
   * each has its own (undefined: it is not known).
   */
  demands(share: Share, sender: string | undefined, observed: boolean): readonly Demand[] {
    const { provider, recipients } = share;
    const limits = this.limits(provider);
    const own = { provider, recipients, limits: this.#inForce(share, limits, observed) };
    if (limits.perSender === undefined || sender === undefined) return [own];
    return [own, { provider, recipients, sender, limits: limits.perSender }];
  }

  #inForce({ provider, members }: Share, limits: Limits, observed: boolean): Limits {
    const counts = !observed && this.#parts.outcomesSeen();
    if (counts && this.#parts.troubleOf(provider) !== undefined) return { ...limits, inFlight: 1 };
    if (counts && !(members && this.#parts.areNew(provider, members))) return limits;
    const { inFlight: _, ...others } = limits;
    return others;
  }

  async attempt(
    message: {
      readonly id: string;
      /** Whose share it takes. */
      readonly sender: string;
      readonly lane: number;
      readonly shares: readonly Share[];
      readonly observed: boolean;
    },
    queued: boolean,
  ): Promise<Attempt> {
    const { store, clock } = this.#parts;
    const passing = message.shares.filter((share) => this.passes(share.provider));
    const asking =
      passing.length === 0
        ? message.shares
        : message.shares.filter((share) => !passing.includes(share));
    const nowMs = clock.nowMs();
    const stuck = message.observed
      ? undefined
      : (this.#inTrouble(asking, nowMs) ?? this.#stopped(asking, message.id, nowMs));
    if (stuck !== undefined) return { ok: false, debts: [], ...stuck };
    const demands = asking.flatMap((share) =>
      this.demands(share, message.sender, message.observed),
    );
    const passDemands = passing.map(({ provider, recipients }) => ({
      provider,
      recipients,
      limits: { quotas: [] },
    }));
    if (demands.length === 0) {
      await store.charge(passDemands);
      return { ok: true, debts: [], exceeded: [] };
    }
    const answer = await store.take({ id: message.id, lane: message.lane, queued, demands });
    if (!answer.ok) {
      const waitUs = Math.max(0, answer.retryAtUs - answer.nowUs);
      return { ok: false, waitUs, cause: answer.cause, debts: answer.debts };
    }
    const full = message.observed ? undefined : await this.#unclaimed(asking, message.id);
    if (full !== undefined) {
      // Another daemon was faster. What was charged is spent: that is an interval, never an overrun.
      for (const { provider } of asking) await store.settle(provider, message.id);
      const cause = { kind: 'suspended', provider: full } as const;
      return { ok: false, debts: answer.debts, waitUs: Infinity, cause };
    }
    if (passDemands.length > 0) await store.charge(passDemands);
    const exceeded = answer.exceeded.map(({ provider, sender, quota }) => ({
      provider,
      text: `more recipients than ${sender === undefined ? 'its' : "each sender's"} quota of ${quota.count}`,
    }));
    return { ok: true, debts: answer.debts, exceeded };
  }

  /** A provider that feedback has stopped, and that has no room for a probe. */
  #stopped(shares: readonly Share[], id: string, nowMs: number): Wait | undefined {
    return last(shares, 'suspended', (provider) => {
      const room = this.#parts.feedback.room(provider, id);
      if (room === undefined || room.messages > 0) return 0;
      return Math.max(1, Math.ceil((room.lookMs - nowMs) * 1000));
    });
  }

  /**
   * Counts the message as a probe at each provider that is half open: the first that has no room for
   * it any more. Only now, when it leaves: each count is told to every daemon.
   */
  async #unclaimed(shares: readonly Share[], id: string): Promise<string | undefined> {
    const { feedback } = this.#parts;
    for (const { provider } of shares) {
      if (feedback.room(provider) === undefined) continue;
      if (!(await feedback.claim(provider, id))) return provider;
    }
    return undefined;
  }

  /** The provider in trouble whose probe is due last. */
  #inTrouble(shares: readonly Share[], nowMs: number): Wait | undefined {
    return last(shares, 'trouble', (provider) => {
      const trouble = this.#parts.troubleOf(provider);
      return trouble === undefined ? 0 : Math.ceil((trouble.nextProbeMs - nowMs) * 1000);
    });
  }
}

type Wait = { readonly waitUs: number; readonly cause: Cause };

/** The provider that is waited for longest, if any is: `waitUsOf` above 0. */
function last(
  shares: readonly Share[],
  kind: Cause['kind'],
  waitUsOf: (provider: string) => number,
): Wait | undefined {
  let found: Wait | undefined;
  for (const { provider } of shares) {
    const waitUs = waitUsOf(provider);
    if (waitUs > (found?.waitUs ?? 0)) found = { waitUs, cause: { kind, provider } };
  }
  return found;
}

/** Whether a refusal holds for all mail of the provider that refused. */
export function closes({ cause: { kind } }: Attempt & { ok: false }): boolean {
  return kind === 'trouble' || kind === 'suspended' || kind === 'in_flight';
}

/** It is the limit of its sender alone, not the provider's. */
export function isSenders({ cause: { sender } }: Attempt & { ok: false }): boolean {
  return sender !== undefined;
}
