/**
 * One line of the journal: a CRC-32 in hex, a space, a JSON array whose first element says what the
 * line is. A line is whole or it is not there: what was torn or overwritten fails its checksum.
 */
import { crc32 } from 'node:zlib';
import type { Standing } from '../limit/standing.ts';
import type { Adjustment, Control } from './store.ts';

export type Line =
  /** The store's time when the lines after it were written. */
  | readonly [kind: 'time', atUs: number]
  /** Nothing is missing: the store was closed. Only believed as the last line. */
  | readonly [kind: 'stop', atUs: number]
  /** There was no stop mark: every burst counts as spent at this time. */
  | readonly [kind: 'unclean', atUs: number]
  /** Redis does not know what was admitted from this time on; 0: it knows all. */
  | readonly [kind: 'away', sinceUs: number]
  /** An account, a provider's or a sender's, whole: replaces what was known. */
  | readonly [
      kind: 'account',
      name: string,
      tatUs: number,
      intervalUs: number,
      keepSec: number,
      history: readonly number[],
      passed: readonly number[],
      inFlight: readonly (readonly [id: string, sinceUs: number])[],
    ]
  /** Admissions to be added, the debt replaced. */
  | readonly [
      kind: 'sent',
      name: string,
      tatUs: number,
      intervalUs: number,
      keepSec: number,
      added: readonly number[],
      passed: readonly number[],
    ]
  | readonly [kind: 'flight', provider: string, id: string, sinceUs: number]
  | readonly [kind: 'settled', provider: string, id: string]
  | readonly [kind: 'control', provider: string, control: Control | null]
  | readonly [kind: 'standing', provider: string, standing: Standing | null]
  | readonly [kind: 'adjustment', adjustment: Adjustment];

type Check = (value: unknown) => boolean;

const text: Check = (value) => typeof value === 'string';
const number: Check = (value) => Number.isSafeInteger(value);
const record: Check = (value) => typeof value === 'object' && !Array.isArray(value);
const pairs: Check = (value) =>
  Array.isArray(value) && value.length % 2 === 0 && value.every(number);
const tokens: Check = (value) =>
  Array.isArray(value) &&
  value.every((pair) => Array.isArray(pair) && text(pair[0]) && number(pair[1]));

// The checksum says that a line is as it was written; this, that this version wrote it.
const FIELDS: Readonly<Record<Line[0], readonly Check[]>> = {
  time: [number],
  stop: [number],
  unclean: [number],
  away: [number],
  account: [text, number, number, number, pairs, pairs, tokens],
  sent: [text, number, number, number, pairs, pairs],
  flight: [text, text, number],
  settled: [text, text],
  control: [text, record],
  standing: [text, record],
  adjustment: [(value) => value !== null && record(value)],
};

/** With its newline. */
export function encodeLine(line: Line): string {
  const json = JSON.stringify(line);
  return `${checksum(json)} ${json}\n`;
}

function checksum(json: string): string {
  return crc32(json).toString(16).padStart(8, '0');
}

/** Undefined for anything that is not a whole line of ours. Never throws. */
export function decodeLine(raw: string): Line | undefined {
  const json = raw.slice(9);
  // As text: a number is read from `+1234567` and from `01234567` alike.
  if (raw.slice(0, 9) !== `${checksum(json)} `) return undefined;
  const value = parsed(json);
  return isLine(value) ? value : undefined;
}

function isLine(value: unknown): value is Line {
  if (!Array.isArray(value)) return false;
  const checks = Object.entries(FIELDS).find(([kind]) => kind === value[0])?.[1];
  return (
    checks !== undefined &&
    value.length === checks.length + 1 &&
    checks.every((check, i) => check(value[i + 1]))
  );
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
