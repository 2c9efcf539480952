/** One line of held.ndjson: an operation on the record of one queue id. */
import { z } from 'zod';
import type { HeldRecord } from './item.ts';

export type HeldLine =
  ({ readonly op: 'held' } & HeldRecord) | { readonly op: 'gone'; readonly queueId: string };

const queueId = z.string().regex(/^[0-9A-Za-z]{6,32}$/);

const heldLine = z.discriminatedUnion('op', [
  z.object({
    op: z.literal('held'),
    queueId,
    formerIds: z.array(z.string()),
    sender: z.string(),
    login: z.string().optional(),
    recipients: z.array(z.string()),
    lane: z.string(),
    arrivedMs: z.number(),
    heldMs: z.number(),
    why: z.string(),
    deferrals: z.number(),
    wasDeferred: z.boolean(),
    notBeforeMs: z.number(),
    grouped: z.array(z.tuple([z.string(), z.string()])).optional(),
  }),
  z.object({ op: z.literal('gone'), queueId }),
]);

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
  return heldLine.safeParse(value).data;
}
