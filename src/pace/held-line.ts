/** One line of held.ndjson: an operation on the record of one queue id. */
import type { HeldRecord } from './item.ts';

export type HeldLine =
  ({ readonly op: 'held' } & HeldRecord) | { readonly op: 'gone'; readonly queueId: string };

export function encodeLine(line: HeldLine): string {
  return `${JSON.stringify(line)}\n`;
}

/** undefined: not a line of ours (torn by a crash, or damaged). */
export function decodeLine(text: string): HeldLine | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const line = value as Record<string, unknown>;
  if (typeof line['queueId'] !== 'string' || !/^[0-9A-Za-z]{6,32}$/.test(line['queueId'])) {
    return undefined;
  }
  if (line['op'] === 'gone') return { op: 'gone', queueId: line['queueId'] };
  if (line['op'] !== 'held' || !isRecord(line)) return undefined;
  return line;
}

function isRecord(
  line: Record<string, unknown>,
): line is { readonly op: 'held' } & HeldRecord & Record<string, unknown> {
  const texts = (value: unknown) =>
    Array.isArray(value) && value.every((one) => typeof one === 'string');
  return (
    texts(line['formerIds']) &&
    texts(line['recipients']) &&
    ['sender', 'lane', 'why'].every((key) => typeof line[key] === 'string') &&
    ['arrivedMs', 'heldMs', 'deferrals', 'notBeforeMs'].every((key) =>
      Number.isFinite(line[key]),
    ) &&
    typeof line['wasDeferred'] === 'boolean'
  );
}
