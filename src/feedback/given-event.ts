/**
 * Another classifier's results as NDJSON, an object a line:
 * `{"at","queueId"?,"recipient","remoteMta"?,"reply","category","blames"?,"source"}`.
 * `at` is milliseconds since the epoch or an RFC 3339 time. A line that is none of these is said to be
 * wrong, with what was expected; it stops no other.
 */
import { z } from 'zod';
import { CATEGORIES, type Category } from './category.ts';

export interface GivenEvent {
  readonly atMs: number;
  readonly queueId: string | undefined;
  readonly recipient: string;
  readonly remoteMta: string | undefined;
  readonly reply: string;
  readonly category: Category;
  readonly blames: 'ours' | 'intermediary' | 'unknown' | undefined;
  readonly source: string;
}

export type GivenLine =
  { readonly ok: true; readonly event: GivenEvent } | { readonly ok: false; readonly why: string };

const LONGEST_LINE = 20_000;

const line = z.object({
  at: z
    .union([z.number(), z.iso.datetime({ offset: true }).transform((text) => Date.parse(text))])
    .pipe(z.number().min(0)),
  queueId: z
    .string()
    .regex(/^[0-9A-Za-z]{6,32}$/, 'expected a queue id')
    .nullish(),
  recipient: z.string().min(3).max(320),
  remoteMta: z.string().max(320).nullish(),
  reply: z.string().max(10_000),
  category: z.enum(CATEGORIES),
  blames: z.enum(['ours', 'intermediary', 'unknown']).nullish(),
  source: z.string().min(1).max(100),
});

/** Of each key, for whoever left it out or wrote something else. */
const EXPECTED: Readonly<Record<string, string>> = {
  at: 'milliseconds since the epoch or an RFC 3339 time',
  queueId: 'a queue id, or no such key',
  recipient: 'an address of 3 to 320 characters',
  remoteMta: 'the name of a host, or no such key',
  reply: 'a text of 10,000 characters at most',
  category: `one of ${CATEGORIES.join(', ')}`,
  blames: 'ours, intermediary or unknown, or no such key',
  source: 'a name of 1 to 100 characters',
};

/** With its line end, or the mark at the beginning of a file (BOM), or without. */
export function readGivenLine(written: string): GivenLine {
  const text = written.trim();
  if (text.length > LONGEST_LINE) {
    return wrong(`a line of ${text.length} characters`, 'one of 20,000 at most');
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return wrong(shortened(text), 'a JSON object');
  }
  const read = line.safeParse(value);
  if (!read.success) {
    const key = String(read.error.issues[0]?.path[0] ?? '');
    const expected = EXPECTED[key];
    if (expected === undefined) return wrong(found(value), 'a JSON object');
    return wrong(
      found(Object.entries(value ?? {}).find(([one]) => one === key)?.[1]),
      expected,
      key,
    );
  }
  const { at, queueId, remoteMta, blames, ...rest } = read.data;
  return {
    ok: true,
    event: {
      ...rest,
      atMs: at,
      queueId: queueId ?? undefined,
      remoteMta: remoteMta ?? undefined,
      blames: blames ?? undefined,
    },
  };
}

function wrong(what: string, expected: string, key?: string): GivenLine {
  return {
    ok: false,
    why: `${key === undefined ? '' : `${key}: `}found ${what}, expected ${expected}`,
  };
}

function found(value: unknown): string {
  return value === undefined ? 'nothing' : shortened(JSON.stringify(value));
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
