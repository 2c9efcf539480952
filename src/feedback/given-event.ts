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
    .union([z.number(), z.string().transform((text) => Date.parse(text))])
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

export function readGivenLine(text: string): GivenLine {
  if (text.length > LONGEST_LINE)
    return { ok: false, why: 'expected a line of 20,000 characters at most' };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, why: 'expected a JSON object' };
  }
  const read = line.safeParse(value);
  if (!read.success) {
    const [issue] = read.error.issues;
    return {
      ok: false,
      why: `${issue?.path.join('.') || 'line'}: ${issue?.message ?? 'unreadable'}`,
    };
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
