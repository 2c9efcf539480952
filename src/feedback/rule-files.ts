/**
 * The rules that come with the program, from rules/*.yaml; what is wrong in them is a bug: an Error.
 * sources.yaml says what the sources of the samples are.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';

import { parseRules, type Rule } from './rule.ts';

const FOLDER = new URL('../../rules/', import.meta.url);
/** What anybody says comes after what a provider says, and the codes alone at the very end. */
const LAST = ['generic', 'codes'];

const sources = z.record(z.string(), z.string().min(1));

/** All rules, in the order in which they are asked. Throws an Error for a damaged file. */
export function loadRules(folder: URL = FOLDER): readonly Rule[] {
  const known = sources.parse(yaml(new URL('sources.yaml', folder)));
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.yaml') && name !== 'sources.yaml')
    .map((name) => name.slice(0, -'.yaml'.length))
    .toSorted((a, b) => LAST.indexOf(a) - LAST.indexOf(b) || (a < b ? -1 : 1));
  const rules = names.flatMap((name) => {
    try {
      return parseRules(name, yaml(new URL(`${name}.yaml`, folder)));
    } catch (error) {
      throw new Error(`rules/${name}.yaml can't be used`, { cause: error });
    }
  });
  const lost = rules.find((rule) => !Object.hasOwn(known, rule.source));
  if (lost !== undefined) throw new Error(`${lost.id} names an unknown source ${lost.source}`);
  return rules;
}

function yaml(file: URL): unknown {
  return parse(readFileSync(file, 'utf8'));
}
