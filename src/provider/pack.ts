/**
 * The built-in providers, from providers/pack.yaml: domains, suggested first limits, and the source
 * of each figure. The file comes with the program, so that what is wrong in it is a bug: an Error.
 */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import type { Limits } from '../limit/limits.ts';
import { parsePace, parseQuota } from '../limit/rate.ts';
import type { Provider } from './provider.ts';

const PACK = new URL('../../providers/pack.yaml', import.meta.url);

const source = z.string().min(1);
const rate = z.strictObject({ is: z.string(), source });
const count = z.strictObject({ is: z.int().min(1), source });

const entry = z.strictObject({
  name: z.string().min(1),
  domains: z.array(z.string()),
  mx_suffixes: z.array(z.string().startsWith('.')),
  mx_source: source.optional(),
  limits: z.strictObject({
    because: z.string().min(1),
    pace: rate,
    burst: count,
    quotas: z.array(rate),
    in_flight: count,
  }),
  published: z.array(z.strictObject({ fact: z.string().min(1), source })),
});

const packFile = z.strictObject({
  /** Key -> what it is and where to find it. */
  sources: z.record(z.string(), z.string().min(1)),
  providers: z.record(z.string(), entry),
});

type Entry = z.infer<typeof entry>;

/** Reads and checks the pack. Throws an Error for a damaged file. */
export function loadPack(file: URL = PACK): readonly Provider[] {
  const pack = packFile.parse(parse(readFileSync(file, 'utf8')));
  return Object.entries(pack.providers).map(([id, found]) => {
    const unknown = sourcesOf(found).find((key) => !Object.hasOwn(pack.sources, key));
    if (unknown !== undefined) throw new Error(`${id} names an unknown source ${unknown}`);
    return {
      id,
      name: found.name,
      domains: found.domains,
      mxSuffixes: found.mx_suffixes,
      limits: limitsOf(found.limits),
      source: `built-in: ${found.limits.because} (${figureSources(found, pack.sources)})`,
    };
  });
}

function limitsOf({ pace, burst, quotas, in_flight }: Entry['limits']): Limits {
  return {
    pace: parsePace(pace.is, burst.is),
    quotas: quotas.map((quota) => parseQuota(quota.is)),
    inFlight: in_flight.is,
  };
}

function sourcesOf(found: Entry): readonly string[] {
  const mx = found.mx_source === undefined ? [] : [found.mx_source];
  return [...figureKeys(found), ...mx, ...found.published.map((fact) => fact.source)];
}

function figureKeys({ limits }: Entry): readonly string[] {
  return [limits.pace, limits.burst, ...limits.quotas, limits.in_flight].map((f) => f.source);
}

function figureSources(found: Entry, sources: Readonly<Record<string, string>>): string {
  return [...new Set(figureKeys(found))].map((key) => sources[key]).join('; ');
}
