/** What the scripts are asked and what they answer, as text. Lines are described in the scripts. */
import { slotUs } from '../limit/history.ts';
import type { History } from '../limit/history.ts';
import { readStanding, type Standing } from '../limit/standing.ts';
import { paceIntervalUs } from '../limit/pace.ts';
import type { PaceState } from '../limit/pace.ts';
import type { Holder } from './account-name.ts';
import { exceededBy } from './account.ts';
import { StoreError } from './store.ts';
import type { Adjustment, Control, Debt, Demand, Refusal, TakeResult } from './store.ts';

/** An account as read.lua tells it. */
export interface AccountReading {
  readonly nowUs: number;
  readonly control: Control | undefined;
  readonly pace: PaceState | undefined;
  /** Places that count: those of hosts that are heard of. */
  readonly places: number;
  readonly history: History;
  readonly passed: History;
  readonly tokens: readonly { readonly id: string; readonly sinceUs: number }[];
}

/** What take.lua answers. */
export type RedisAnswer =
  | {
      readonly kind: 'judged';
      readonly result: TakeResult;
      /** For each demand when its account was opened, Redis's time; 0: it has none. */
      readonly births: readonly number[];
    }
  /** Nothing was charged: the question came too late, by its clock. */
  | { readonly kind: 'late'; readonly nowUs: number }
  /** Nothing was charged: the account that was known is gone. */
  | { readonly kind: 'lost'; readonly nowUs: number; readonly demand: Demand };

const KINDS = ['pace', 'quota', 'in_flight', 'suspended', 'waiting'] as const;

/** `births`: when each account was opened, as far as it is known and to be checked; else 0. */
export function encodeDemands(
  demands: readonly Demand[],
  births: readonly number[],
): (string | number)[] {
  const args: (string | number)[] = [];
  for (const [i, { provider, sender = '', recipients, limits }] of demands.entries()) {
    const { pace, quotas, inFlight } = limits;
    const interval = pace === undefined ? 0 : paceIntervalUs(pace);
    args.push(provider, sender, recipients, interval);
    args.push(pace?.burst ?? 0, inFlight ?? 0, births[i] ?? 0, quotas.length);
    for (const { count, windowUs } of quotas) args.push(count, windowUs, slotUs(windowUs));
  }
  return args;
}

/** Throws StoreError for anything that is not take.lua's line. */
export function decodeTake(reply: unknown, demands: readonly Demand[]): RedisAnswer {
  const words = typeof reply === 'string' ? reply.split(' ') : [];
  const nowUs = whole(words[1]);
  if (words[0] === 'late') return { kind: 'late', nowUs };
  if (words[0] === 'lost') {
    const demand = demands[whole(words[2])];
    if (demand === undefined) throw nonsense(reply);
    return { kind: 'lost', nowUs, demand };
  }
  if (words[0] === '1') {
    const debts = demands.map((demand, i) => debt(demand, words[2 + 4 * i], words[3 + 4 * i]));
    const births = demands.map((_, i) => whole(words[4 + 4 * i]));
    const charged = demands.filter((_, i) => words[5 + 4 * i] === '0');
    const exceeded = charged.flatMap((demand) => exceededBy(demand));
    return { kind: 'judged', result: { ok: true, nowUs, debts, exceeded }, births };
  }
  const kind = KINDS.find((known) => known === words[3]);
  const refused = demands[whole(words[4])];
  if (words[0] !== '0' || kind === undefined || refused === undefined) throw nonsense(reply);
  const who = holderOf(refused);
  const cause: Refusal =
    kind === 'quota' ? { kind, ...who, windowUs: whole(words[5]) } : { kind, ...who };
  const debts = demands.map((demand, i) => debt(demand, words[6 + 3 * i], words[7 + 3 * i]));
  const births = demands.map((_, i) => whole(words[8 + 3 * i]));
  const retryAtUs = words[2] === 'inf' ? Infinity : whole(words[2]);
  return { kind: 'judged', result: { ok: false, nowUs, retryAtUs, cause, debts }, births };
}

/** Throws StoreError for anything that is not read.lua's list. */
export function decodeAccount(reply: unknown): AccountReading {
  const words = strings(reply);
  const intervalUs = whole(words[3]);
  const history = pairs(words, 5);
  const passed = pairs(words, 6 + history.length);
  const tokens: { id: string; sinceUs: number }[] = [];
  for (let i = 7 + history.length + passed.length; i < words.length; i += 2) {
    tokens.push({ id: words[i]!, sinceUs: whole(words[i + 1]) });
  }
  return {
    nowUs: whole(words[0]),
    control: words[1] === '' ? undefined : readControl(words[1]),
    pace: intervalUs === 0 ? undefined : { tatUs: whole(words[2]), intervalUs },
    places: whole(words[4]),
    history,
    passed,
    tokens,
  };
}

/** A list of text; throws StoreError for anything else. */
export function strings(reply: unknown): readonly string[] {
  if (!Array.isArray(reply) || !reply.every((word) => typeof word === 'string')) {
    throw nonsense(reply);
  }
  return reply;
}

/** A control as setControl wrote it; throws StoreError for anything else. */
export function readControl(text: string | undefined): Control {
  const value = parsed(text);
  if (!isControl(value)) throw nonsense(text);
  return value;
}

/** An adjustment as setControl wrote it; throws StoreError for anything else. */
export function readAdjustment(text: string | undefined): Adjustment {
  const value = parsed(text);
  if (!isAdjustment(value)) throw nonsense(text);
  return value;
}

/** A standing as setStanding wrote it; throws StoreError for what has not even an epoch. */
export function readStandingText(text: string): Standing {
  const standing = readStanding(parsed(text));
  if (standing === undefined) throw nonsense(text);
  return standing;
}

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

function isControl(value: unknown): value is Control {
  return (
    isRecord(value) &&
    ['override', 'suspended', 'pass'].every((part) => {
      const found = value[part];
      return found === undefined || (isRecord(found) && isTimeOrAbsent(found['untilUs']));
    })
  );
}

function isAdjustment(value: unknown): value is Adjustment {
  return (
    isRecord(value) &&
    Number.isSafeInteger(value['atUs']) &&
    ['provider', 'kind', 'from', 'to', 'why', 'by'].every((key) => typeof value[key] === 'string')
  );
}

function isTimeOrAbsent(value: unknown): boolean {
  return value === undefined || typeof value === 'number';
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function debt(demand: Demand, tat: string | undefined, places: string | undefined): Debt {
  const inFlight = whole(places);
  const who = holderOf(demand);
  return tat === '-' ? { inFlight, ...who } : { tatUs: whole(tat), inFlight, ...who };
}

function holderOf({ provider, sender }: Demand): Holder {
  return sender === undefined ? { provider } : { provider, sender };
}

function pairs(words: readonly string[], at: number): History {
  const count = whole(words[at]);
  return words.slice(at + 1, at + 1 + count).map(whole);
}

export function whole(word: string | undefined): number {
  const value = Number(word);
  if (word === undefined || word === '' || !Number.isSafeInteger(value)) throw nonsense(word);
  return value;
}

function nonsense(reply: unknown): StoreError {
  const shown = (JSON.stringify(reply) ?? 'nothing').slice(0, 80);
  return new StoreError(`Redis answers what no postpace of this version asked for: ${shown}`);
}
