/**
 * A YAML file with its line numbers: plain values for the schema, and for each key path the line
 * where a postmaster finds it.
 */
import { LineCounter, isAlias, isMap, isNode, isScalar, isSeq, parseDocument } from 'yaml';
import type { Document as YamlDocument, Node, Pair, YAMLError, YAMLWarning } from 'yaml';
import type { KeyPath, Problem } from './problem.ts';

type YamlIssue = YAMLError | YAMLWarning;

export interface SourceDocument {
  /** The file's content as plain values; undefined: empty, or not readable as YAML. */
  readonly value: unknown;
  /** What YAML itself finds wrong. */
  readonly problems: readonly Problem[];
  /** The line of a key (or of the nearest key above it that is there), from 1. */
  lineOf(path: KeyPath): number;
}

/** Never throws: what can't be read is a problem with its line. */
export function parseSource(text: string): SourceDocument {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const lineAt = (offset: number): number => Math.max(1, lines.linePos(offset).line);
  const problems = firstErrors([...document.errors, ...document.warnings]).map(
    (error): Problem => ({ line: lineAt(error.pos[0]), path: [], text: errorText(error, text) }),
  );
  return {
    problems,
    value: problems.length === 0 ? plainValue(document, problems) : undefined,
    lineOf: (path) => lineAt(offsetOf(document, path)),
  };
}

/** One slip makes a reader of YAML stumble many times after it: only the first is told. */
function firstErrors(errors: readonly YamlIssue[]): readonly YamlIssue[] {
  const slip = errors.find((error) => error.code !== 'DUPLICATE_KEY');
  return errors.filter((error) => error === slip || error.code === 'DUPLICATE_KEY');
}

function errorText(error: YamlIssue, text: string): string {
  if (error.code === 'DUPLICATE_KEY') {
    const key = /^[^:\n]*/.exec(text.slice(error.pos[0]))?.[0] ?? '';
    return `found the key ${JSON.stringify(key.trim())} a second time, expected it once`;
  }
  return error.code === 'MULTIPLE_DOCS'
    ? 'found a second document (---), expected one'
    : `not valid YAML: ${error.message}`;
}

function plainValue(document: YamlDocument, problems: Problem[]): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 }) ?? undefined;
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    problems.push({ line: 1, path: [], text: `not valid YAML: ${text}` });
    return undefined;
  }
}

function offsetOf(document: YamlDocument, path: KeyPath): number {
  let node: unknown = document.contents;
  let offset = 0;
  for (const key of path) {
    if (isAlias(node)) node = node.resolve(document);
    const pair = isMap(node) ? node.items.find((item) => keyOf(item) === String(key)) : undefined;
    const item = isSeq(node) && typeof key === 'number' ? node.items[key] : undefined;
    const place = pair?.key ?? item;
    if (!isNode(place)) return offset;
    offset = startOf(place, offset);
    node = pair === undefined ? item : pair.value;
  }
  return offset;
}

function keyOf(pair: Pair): string | undefined {
  return isScalar(pair.key) ? String(pair.key.value) : undefined;
}

function startOf(node: Node, otherwise: number): number {
  return node.range?.[0] ?? otherwise;
}
