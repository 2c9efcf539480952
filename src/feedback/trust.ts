/**
 * Whether a report is about mail that we sent. Anybody can send a report: it is believed only with a
 * token of ours that names the recipient, or with a queue id and recipient that our records have.
 * Pure; says what is wrong with the others.
 */
import type { OriginalMail } from './original-mail.ts';
import type { Fate, SentFact } from './sent-book.ts';
import { checkToken } from './token.ts';

export type Trust =
  | {
      readonly kind: 'proven';
      readonly by: 'token' | 'records';
      /** The message, unique in the pool. */
      readonly id: string;
      /** When it left; by a token alone: when it was accepted. */
      readonly leftMs: number;
      /** Which of the addresses it went to. */
      readonly recipient: string;
      /** What the log said became of it, where a record has it. */
      readonly fate: Fate | undefined;
    }
  | { readonly kind: 'unproven'; readonly why: Unproven };

export type Unproven =
  /** It shows neither a token nor a queue id that we know. */
  | 'unknown message'
  /** A token that we did not make. */
  | 'forged token'
  | 'too old'
  /** Ours, but it did not go to that recipient. */
  | 'other recipient'
  | 'no recipient';

export interface TrustParts {
  readonly key: Uint8Array;
  /** This host's name in the pool. */
  readonly host: string;
  readonly find: (queueId: string, recipient: string) => SentFact | undefined;
  readonly nowMs: number;
}

/** As long as Postfix tries by default, and a little for the report's own way. */
export const OLDEST_MS = 7 * 24 * 3_600_000;
/** Clocks of hosts of one pool may differ by so much. */
const AHEAD_MS = 10 * 60_000;

/** `addresses`: whom the report is about, the one that we wrote to first. */
export function judgeTrust(
  original: OriginalMail,
  addresses: readonly (string | undefined)[],
  parts: TrustParts,
): Trust {
  const named = [...new Set(addresses.filter((one) => one !== undefined))];
  if (named.length === 0) return unproven('no recipient');
  let worst: Unproven = 'unknown message';
  for (const value of original.tokens) {
    const trust = byToken(value, named, parts);
    if (trust.kind === 'proven') return trust;
    worst = trust.why;
  }
  // A token that is wrong is not made good by a queue id that anybody can read.
  if (original.tokens.length > 0) return unproven(worst);
  for (const queueId of original.queueIds) {
    for (const recipient of named) {
      const fact = parts.find(queueId, recipient);
      if (fact === undefined) continue;
      if (isOld(fact.leftMs, parts.nowMs)) return unproven('too old');
      return { kind: 'proven', by: 'records', recipient, ...fact };
    }
  }
  return unproven(worst);
}

function byToken(value: string, named: readonly string[], parts: TrustParts): Trust {
  const verdict = checkToken(parts.key, value);
  if (verdict.kind === 'forged') return unproven('forged token');
  const { id, atSec } = verdict.facts;
  if (isOld(atSec * 1000, parts.nowMs)) return unproven('too old');
  const own = id.startsWith(`${parts.host}/`) ? id.slice(parts.host.length + 1) : undefined;
  for (const recipient of named) {
    const fact = own === undefined ? undefined : parts.find(own, recipient);
    if (!(verdict.wentTo(recipient) ?? fact !== undefined)) continue;
    const leftMs = fact?.leftMs ?? atSec * 1000;
    return {
      kind: 'proven',
      by: 'token',
      id: fact?.id ?? id,
      leftMs,
      recipient,
      fate: fact?.fate,
    };
  }
  return unproven('other recipient');
}

function isOld(atMs: number, nowMs: number): boolean {
  return atMs < nowMs - OLDEST_MS || atMs > nowMs + AHEAD_MS;
}

function unproven(why: Unproven): Trust {
  return { kind: 'unproven', why };
}
