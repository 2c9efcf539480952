/**
 * The real queue, as `postqueue -j` lists it: one JSON object a line. Read as a stream, a chunk at a
 * time, so that ten thousand messages do not keep the daemon from answering.
 */
import { setImmediate } from 'node:timers/promises';
import type { HoldQueue, QueuedMessage } from '../pace/ports.ts';
import { Repeater } from './repeater.ts';

/** What postqueue prints for the null sender. */
const NULL_SENDER = 'MAILER-DAEMON';

const QUEUES: ReadonlySet<string> = new Set<QueuedMessage['queue']>([
  'hold',
  'deferred',
  'active',
  'incoming',
  'maildrop',
  'corrupt',
]);

function isQueue(name: unknown): name is QueuedMessage['queue'] {
  return typeof name === 'string' && QUEUES.has(name);
}

/** A line of `postqueue -j`; throws an Error that shows the line when it is none. */
export function readQueueLine(line: string): QueuedMessage {
  const entry = parse(line);
  const { queue_name: queue, queue_id: queueId, arrival_time: arrivalSec, sender } = entry;
  if (!isQueue(queue) || typeof queueId !== 'string' || typeof arrivalSec !== 'number')
    throw unexpected(line);
  const recipients: readonly unknown[] = Array.isArray(entry.recipients) ? entry.recipients : [];
  return {
    queue,
    queueId,
    arrivalSec,
    sizeBytes: Number(entry.message_size ?? 0),
    sender: typeof sender === 'string' && sender !== NULL_SENDER ? sender : '',
    recipients: recipients.flatMap(readRecipient),
  };
}

function readRecipient(found: unknown): QueuedMessage['recipients'][number][] {
  if (typeof found !== 'object' || found === null || !('address' in found)) return [];
  const reason = 'delay_reason' in found ? found.delay_reason : undefined;
  const address = String(found.address);
  return [typeof reason === 'string' ? { address, delayReason: reason } : { address }];
}

function parse(line: string): Partial<Record<string, unknown>> {
  let found: unknown;
  try {
    found = JSON.parse(line);
  } catch {
    throw unexpected(line);
  }
  if (typeof found !== 'object' || found === null) throw unexpected(line);
  return { ...found };
}

function unexpected(line: string): Error {
  return new Error(`postqueue -j: unexpected line: ${line.slice(0, 200)}`);
}

/** The queue of one Postfix instance. */
export class PostfixQueue implements HoldQueue {
  readonly #listing: Repeater;

  constructor(configDirectory: string) {
    this.#listing = new Repeater(['postqueue', '-c', configDirectory, '-j']);
  }

  /** A listing that breaks off is no snapshot, what is missing in it may still be held: it throws. */
  async *list(): AsyncIterable<QueuedMessage> {
    for await (const lines of this.#listing.lines()) {
      for (const line of lines) yield readQueueLine(line);
      await setImmediate();
    }
  }
}
