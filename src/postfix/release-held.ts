/** Releases held mail without the daemon: what our records name and what really is in hold. */
import type { QueuedMessage } from '../pace/ports.ts';
import { Postsuper } from './postsuper.ts';
import { PostfixQueue } from './queue.ts';
import { wake } from './wake.ts';

export interface HeldOutcome {
  readonly released: readonly string[];
  /** Ours, in hold, and postsuper did not confirm them. */
  readonly failed: readonly string[];
  /** In hold and not ours: left there. */
  readonly foreign: readonly QueuedMessage[];
}

/** Our records: queue id -> whether the message was deferred before it was held. */
export type OurHolds = ReadonlyMap<string, boolean>;

/** What is in hold, by whether our records name it. */
export async function heldMail(
  configDirectory: string,
  records: OurHolds,
): Promise<{ readonly ours: readonly string[]; readonly foreign: readonly QueuedMessage[] }> {
  const ours: string[] = [];
  const foreign: QueuedMessage[] = [];
  for await (const message of new PostfixQueue(configDirectory).list()) {
    if (message.queue !== 'hold') continue;
    if (records.has(message.queueId)) ours.push(message.queueId);
    else foreign.push(message);
  }
  return { ours, foreign };
}

/** Needs root. Rejects with an Error when postqueue or postsuper fails as a whole. */
export async function releaseHeld(
  configDirectory: string,
  queueDirectory: string,
  records: OurHolds,
): Promise<HeldOutcome> {
  const { ours, foreign } = await heldMail(configDirectory, records);
  if (ours.length === 0) return { released: [], failed: [], foreign };
  const argv = ['postsuper', '-c', configDirectory, '-H', '-'];
  const postsuper = new Postsuper({ kind: 'command', argv }, 'released from hold');
  const { confirmed, unconfirmed } = await postsuper.run(ours).finally(() => postsuper.close());
  // Without a running Postfix there is nobody to wake; the mail leaves when it starts.
  await wake(
    { configDirectory, queueDirectory, deferred: () => 0 },
    confirmed.map((queueId) => ({ queueId, wasDeferred: records.get(queueId) ?? false })),
  ).catch(() => undefined);
  return { released: confirmed, failed: unconfirmed, foreign };
}
