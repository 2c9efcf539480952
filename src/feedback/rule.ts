/**
 * Rules as they are written in rules/*.yaml. A file holds what one operator says (`providers`), or,
 * without providers, what anybody says; in a file the first rule that fits decides.
 */
import { z } from 'zod';

import { CATEGORIES, groupOf, type Category, type Group } from './category.ts';
import { parsePhrase, type Phrase } from './phrase.ts';
import type { Stage } from './reply.ts';

export interface Rule {
  /** `outlook/s3150`: the file, and the rule's key in it. */
  readonly id: string;
  /** Ids of the provider pack; empty: anybody. */
  readonly providers: readonly string[];
  /** Means something only in that provider's mouth. */
  readonly onlyThere: boolean;
  /** One of these must be found; empty: the codes decide alone. */
  readonly says: readonly Phrase[];
  /** None of these may be found. */
  readonly unless: readonly Phrase[];
  /** `421`, `4` (for 4xx), `none` (nobody replied); empty: any. */
  readonly codes: readonly string[];
  /** `4.7.650`, `5.7` (for 5.7.*), `5`; empty: any. */
  readonly statuses: readonly string[];
  readonly stages: readonly Stage[];
  readonly category: Category;
  readonly group: Group;
  /** How long this provider is known to keep it up. */
  readonly holdMs: number | undefined;
  /** false: what comes with it as 5xx is over some day; the reply filter makes a 4xx of it. */
  readonly isFinal: boolean;
  readonly sample: string;
  readonly source: string;
}

const oneOrMore = <T extends z.ZodType>(one: T) =>
  z.preprocess((value) => (Array.isArray(value) ? value : [value]), z.array(one).min(1));
const phrase = z.string().transform((text, context) => {
  try {
    return parsePhrase(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    context.addIssue({ code: 'custom', message: error.message });
    return z.NEVER;
  }
});

const entry = z.strictObject({
  says: oneOrMore(phrase).optional(),
  unless: oneOrMore(phrase).optional(),
  code: oneOrMore(
    z.string().regex(/^(?:[245](?:xx|\d\d)|none)$/, 'expected 421 or 4xx, or none'),
  ).optional(),
  status: oneOrMore(
    z.string().regex(/^[245*]\.(?:\*|\d{1,3}\.(?:\*|\d{1,3}))$/, 'expected 4.7.1, 4.7.*, *.2.2'),
  ).optional(),
  stage: oneOrMore(z.enum(['connect', 'helo', 'mail', 'rcpt', 'data', 'message'])).optional(),
  only_there: z.boolean().optional(),
  category: z.enum(CATEGORIES),
  group: z.enum(['weather', 'recipient', 'ours']).optional(),
  hold_h: z.number().positive().optional(),
  final: z.boolean().optional(),
  sample: z.string().min(1),
  source: z.string().min(1),
});

const file = z.strictObject({
  providers: oneOrMore(z.string().min(1)).optional(),
  rules: z.record(z.string().regex(/^[a-z0-9-]+$/), entry),
});

/** The rules of one file; `name` is what their ids begin with. Throws ZodError or SyntaxError. */
export function parseRules(name: string, value: unknown): readonly Rule[] {
  const { providers = [], rules } = file.parse(value);
  return Object.entries(rules).map(([key, found]) => {
    const id = `${name}/${key}`;
    if (found.says === undefined && found.code === undefined && found.status === undefined) {
      throw new SyntaxError(`${id}: found neither says nor code nor status, expected one of them`);
    }
    return {
      id,
      providers,
      // A bare code means what its standard says, but for the provider that is known to use it so.
      onlyThere: found.only_there ?? found.says === undefined,
      says: found.says ?? [],
      unless: found.unless ?? [],
      codes: (found.code ?? []).map((code) => code.replace('xx', '')),
      statuses: (found.status ?? []).flatMap(statusKeys),
      stages: found.stage ?? [],
      category: found.category,
      group: found.group ?? groupOf(found.category),
      holdMs: found.hold_h === undefined ? undefined : found.hold_h * 3600e3,
      isFinal: found.final ?? true,
      sample: found.sample,
      source: found.source,
    };
  });
}

/** `*.2.2` -> `4.2.2`, `5.2.2`; `4.7.*` -> `4.7`; `5.*` -> `5`. */
function statusKeys(written: string): readonly string[] {
  const key = written.replace(/\.\*$/, '');
  return key.startsWith('*') ? ['4', '5'].map((digit) => digit + key.slice(1)) : [key];
}
