/** A file's plain values against the schema: the checked values, and everything that is wrong. */
import type { z } from 'zod';
import { contradictions } from './cross.ts';
import { nearest } from './nearest.ts';
import { found } from './problem.ts';
import type { Finding, KeyPath } from './problem.ts';
import { configFile, keysAt } from './schema.ts';
import type { ConfigFile } from './schema.ts';

/** `file` lacks what the findings name; it is complete where there are none. */
export interface Checked {
  readonly file: ConfigFile;
  readonly findings: readonly Finding[];
}

export function check(value: unknown): Checked {
  const first = configFile.safeParse(value);
  if (first.success) return { file: first.data, findings: contradictions(first.data) };
  const wrong = first.error.issues.flatMap((issue) => explain(issue, value));
  // What is left without the bad values is checked too, so that contradictions are told in the same
  // go, except where a bad value may be what contradicts.
  const file = configFile.parse(without(value, wrong));
  const contradictory = contradictions(file).filter(
    ({ restsOn }) => restsOn === undefined || !wrong.some(({ path }) => isWithin(restsOn, path)),
  );
  return { file, findings: [...wrong, ...contradictory] };
}

function explain(issue: z.core.$ZodIssue, value: unknown): readonly Finding[] {
  const at = placeIn(value, issue.path);
  if (issue.code !== 'unrecognized_keys') {
    return [{ path: at, text: `found ${found(valueAt(value, at))}, expected ${issue.message}` }];
  }
  const known = keysAt(at);
  return issue.keys.map((key) => {
    const meant = nearest(key, known);
    const expected = meant === undefined ? `one of ${known.join(', ')}` : `${meant}, perhaps`;
    return { path: [...at, key], text: `found an unknown key, expected ${expected}` };
  });
}

/** Where in the file an issue is: a value that stands alone for a list is no element of one. */
function placeIn(value: unknown, path: readonly PropertyKey[]): KeyPath {
  const at = path.map((key) => (typeof key === 'number' ? key : String(key)));
  const isAlone = typeof at.at(-1) === 'number' && !Array.isArray(valueAt(value, at.slice(0, -1)));
  return isAlone ? at.slice(0, -1) : at;
}

function valueAt(value: unknown, path: KeyPath): unknown {
  return path.reduce((inside, key) => (isMap(inside) ? inside[key] : undefined), value);
}

/** A copy without the values at the paths; a list with a bad element goes whole. */
function without(value: unknown, findings: readonly Finding[]): unknown {
  if (findings.some(({ path }) => path.length === 0)) return {};
  const copy: unknown = structuredClone(value);
  for (const { path } of findings) {
    const index = path.findIndex((key) => typeof key === 'number');
    const keys = index < 0 ? path : path.slice(0, index);
    const parent = valueAt(copy, keys.slice(0, -1));
    const last = keys.at(-1);
    if (isMap(parent) && last !== undefined) delete parent[last];
  }
  return copy;
}

function isWithin(path: KeyPath, above: KeyPath): boolean {
  return above.every((key, i) => path[i] === key);
}

function isMap(value: unknown): value is Record<string | number, unknown> {
  return typeof value === 'object' && value !== null;
}
