/**
 * Domains that count for a provider because of their MX: whoever owns one can point it there, and
 * must not be able to slow the provider down for others. So mail to such a domain uses up the
 * provider's rate, as all mail that goes there, but what becomes of it is held against the domain:
 *
 * - A refusal, or an MX host that does not exist, sets the domain apart: until mail to it is taken again
 *   it is a provider of its own, with the provider's limits, and only its own mail waits; as long as
 *   its answers keep it slowed or stopped, too. The provider is blamed only when two
 *   domains of different owners are refused within a while, both by a host of the provider that had
 *   taken mail for them before.
 * - The provider counts as well again only by mail that one of its own hosts took.
 * - Until one of its hosts took mail for the domain, mail to it has no in_flight place there: a
 *   domain whose mail goes nowhere keeps nobody waiting.
 */
import { parseAddress } from '../mail/address.ts';
import type { PaceLog } from './log.ts';

export interface MembershipParts {
  readonly nowMs: () => number;
  readonly log: PaceLog;
  /** undefined: the recipient's domain is the provider's by right, listed or its own. */
  readonly memberOf: (
    recipient: string,
    provider: string,
  ) => { readonly destination: string; readonly owner: string } | undefined;
  /** The id of a destination's own provider. */
  readonly ownId: (destination: string) => string;
  /** The provider that a host belongs to by its name. */
  readonly ofHost: (host: string) => string | undefined;
}

/** What the log says of one recipient that was counted for `provider`. */
export interface Outcome {
  readonly recipient: string;
  readonly provider: string;
  /** As Postfix logs it: `mx.example.org[192.0.2.1]:25`, `none`. */
  readonly relay: string;
}

/** Mail to `destination` counts for another provider from now on. */
export interface Move {
  readonly destination: string;
  readonly from: string;
  readonly to: string;
}

export interface Apart {
  /** The provider that its MX names. */
  readonly from: string;
  /** When it was refused last, and how. */
  readonly refusedMs: number;
  readonly reply: string;
}

interface Refusal {
  readonly owner: string;
  readonly atMs: number;
}

/** Two refusals further apart than this don't confirm one another. */
const TOGETHER_MS = 10 * 60_000;
/** Without a refusal for so long, a domain is tried with the others again. */
const APART_MS = 24 * 3600_000;
const MOST_KEPT = 10_000;

export class Membership {
  readonly #parts: MembershipParts;
  /** Provider whose hosts took mail for a destination. */
  readonly #proven = new Map<string, string>();
  readonly #apart = new Map<string, Apart>();
  /** By provider: owners of proven members that its hosts refused lately, and when. */
  readonly #refusals = new Map<string, readonly Refusal[]>();

  #isSlowed: (provider: string) => boolean = () => false;

  constructor(parts: MembershipParts) {
    this.#parts = parts;
  }

  /** Who is apart stays so while answers keep its own limits (`provider`: its id) lowered. */
  keepApart(isSlowed: (provider: string) => boolean): void {
    this.#isSlowed = isSlowed;
  }

  /** Whether no host of the provider has taken mail for any of these destinations yet. */
  areNew(provider: string, destinations: readonly string[]): boolean {
    return destinations.every((one) => this.#proven.get(one) !== provider);
  }

  apart(destination: string): Apart | undefined {
    const found = this.#apart.get(destination);
    if (found === undefined) return undefined;
    const isRecent = found.refusedMs + APART_MS > this.#parts.nowMs();
    return isRecent || this.#isSlowed(this.#parts.ownId(destination)) ? found : undefined;
  }

  /** Where mail to the destination counts that its MX would give to `provider`. */
  placeOf(destination: string, provider: string): string {
    return this.apart(destination)?.from === provider ? this.#parts.ownId(destination) : provider;
  }

  /** Whose limits it may move that mail was taken, or refused for the sender's sake. */
  speaksFor({ recipient, provider, relay }: Outcome, tells: 'taken' | 'refused'): string {
    const member = this.#parts.memberOf(recipient, provider);
    if (member === undefined) return provider;
    const { destination, owner } = member;
    const speaks =
      tells === 'taken'
        ? this.#isAt(relay, provider)
        : this.#confirmed(destination, owner, provider, relay);
    return speaks ? provider : this.#parts.ownId(destination);
  }

  /**
   * A server took the mail, or refused it for good. `alive`: the providers that this shows to be
   * there; `move`: the destination is back with its provider.
   */
  answered(
    { recipient, provider, relay }: Outcome,
    taken: boolean,
  ): { readonly alive: readonly string[]; readonly move?: Move } {
    const { ownId, log, memberOf } = this.#parts;
    const destination = destinationOf(recipient);
    const apart = taken ? this.#apart.get(destination) : undefined;
    if (apart !== undefined) {
      const own = ownId(destination);
      if (this.#isSlowed(own)) return { alive: [own] };
      this.#apart.delete(destination);
      log.info({ destination, provider: apart.from }, 'takes mail again: counts for its provider');
      return { alive: [own], move: { destination, from: own, to: apart.from } };
    }
    if (memberOf(recipient, provider) === undefined) return { alive: [provider] };
    if (!taken || !this.#isAt(relay, provider)) return { alive: [] };
    remember(this.#proven, destination, provider);
    return { alive: [provider] };
  }

  /** Mail was deferred, and not for the recipient's sake. `blamed`: whose mail is to wait for it. */
  refused(
    { recipient, provider, relay }: Outcome,
    reply: string,
  ): { readonly blamed: readonly string[]; readonly move?: Move } {
    const { ownId, memberOf, nowMs } = this.#parts;
    const destination = destinationOf(recipient);
    const own = ownId(destination);
    const apart = this.apart(destination);
    if (apart !== undefined) {
      remember(this.#apart, destination, { ...apart, refusedMs: nowMs(), reply });
      const move = { destination, from: provider, to: own };
      return provider === own ? { blamed: [own] } : { blamed: [own], move };
    }
    const member = memberOf(recipient, provider);
    if (member === undefined) return { blamed: [provider] };
    const confirmed = this.#confirmed(destination, member.owner, provider, relay);
    const move = this.#setApart(destination, provider, reply);
    return { blamed: confirmed ? [own, provider] : [own], move };
  }

  /** Mail was refused for good in a way that only its domain answers for, or there is no MX host. */
  sentBack({ recipient, provider }: Outcome, reply: string): Move | undefined {
    const member = this.#parts.memberOf(recipient, provider);
    return member && this.#setApart(member.destination, provider, reply);
  }

  #setApart(destination: string, from: string, reply: string): Move {
    const { log, nowMs, ownId } = this.#parts;
    this.#proven.delete(destination);
    remember(this.#apart, destination, { from, refusedMs: nowMs(), reply });
    log.warn({ destination, provider: from, reply }, 'set apart from its provider');
    return { destination, from, to: ownId(destination) };
  }

  #confirmed(destination: string, owner: string, provider: string, relay: string): boolean {
    if (this.#proven.get(destination) !== provider || !this.#isAt(relay, provider)) return false;
    const atMs = this.#parts.nowMs();
    const others = (this.#refusals.get(provider) ?? []).filter(
      (one) => one.owner !== owner && one.atMs > atMs - TOGETHER_MS,
    );
    remember(this.#refusals, provider, [{ owner, atMs }, ...others.slice(0, 3)]);
    return others.length > 0;
  }

  #isAt(relay: string, provider: string): boolean {
    const bracket = relay.indexOf('[');
    const host = relay.slice(0, Math.max(0, bracket)).toLowerCase();
    return host !== '' && this.#parts.ofHost(host) === provider;
  }
}

function destinationOf(recipient: string): string {
  const address = parseAddress(recipient);
  return address.kind === 'mailbox' ? (address.destination ?? '') : '';
}

/** The newest of them; the one that was written longest ago goes first. */
function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > MOST_KEPT && oldest !== undefined) map.delete(oldest);
}
