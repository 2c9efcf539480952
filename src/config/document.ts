/**
 * A YAML file with its line numbers: plain values for the schema, and for each key path the line
 * where a postmaster finds it.
 */
import { LineCounter, isAlias, isMap, isNode, isScalar, isSeq, parseDocument } from 'yaml';
import type { Document as YamlDocument, Node, Pair } from 'yaml';
import type { KeyPath, Problem } from './problem.ts';

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
  const problems = [...document.errors, ...document.warnings].map((error): Problem => {
    const line = lineAt(error.pos[0]);
    const text =
      error.code === 'MULTIPLE_DOCS'
        ? 'found a second document (---), expected one'
        : `not valid YAML: ${error.message}`;
    return { line, path: [], text };
  });
  return {
    problems,
    value: problems.length === 0 ? plainValue(document, problems) : undefined,
    lineOf: (path) => lineAt(offsetOf(document, path)),
  };
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
