/** The queue of a Postfix that does what the test wants: a hold queue to list, and its postsuper. */
import type { HoldQueue, QueuedMessage, ReleaseOutcome, Releaser } from '../../src/pace/ports.ts';

export interface Release {
  readonly queueId: string;
  readonly wasDeferred: boolean;
}

export class FakePostfix implements HoldQueue, Releaser {
  readonly messages = new Map<string, QueuedMessage>();
  /** One entry for each call, with what it asked for. */
  readonly releases: Release[][] = [];
  readonly holds: (readonly string[])[] = [];
  readonly expired: string[] = [];
  /** Ids that are moved, and of which no line is seen. */
  readonly silent = new Set<string>();
  /** Ids that postsuper does not find. */
  readonly deaf = new Set<string>();
  /** The helper can't be reached. */
  broken: Error | undefined;
  /** Listing fails after so many messages. */
  listBreaksAfter = Infinity;
  /** What happens while a listing runs, before its end. */
  whileListing: () => void = () => undefined;
  /** What a call waits for. */
  before: () => Promise<void> = async () => undefined;
  /** The time of a release, for a ledger. */
  onRelease: (release: Release) => void = () => undefined;
  expire?: (queueIds: readonly string[]) => Promise<ReleaseOutcome>;

  /** A message in one of the queues. */
  put(
    queueId: string,
    queue: QueuedMessage['queue'],
    more: Partial<Omit<QueuedMessage, 'queue' | 'queueId'>> = {},
  ): void {
    this.messages.set(queueId, {
      queue,
      queueId,
      arrivalSec: 1_790_000_000,
      sizeBytes: 1000,
      sender: 'app@example.org',
      recipients: [{ address: 'a@one.example' }],
      ...more,
    });
  }

  /** With postsuper -f, which returns them to their senders. */
  withExpire(): this {
    this.expire = async (queueIds) => {
      await this.before();
      if (this.broken) throw this.broken;
      this.expired.push(...queueIds);
      return this.#moved(queueIds, 'hold', 'active');
    };
    return this;
  }

  queueOf(queueId: string): QueuedMessage['queue'] | undefined {
    return this.messages.get(queueId)?.queue;
  }

  async *list(): AsyncIterable<QueuedMessage> {
    let count = 0;
    for (const message of this.messages.values()) {
      if (count++ >= this.listBreaksAfter) throw new Error('postqueue ended with 69');
      yield message;
    }
    this.whileListing();
  }

  async release(messages: readonly Release[]): Promise<ReleaseOutcome> {
    this.releases.push(messages.map(({ queueId, wasDeferred }) => ({ queueId, wasDeferred })));
    await this.before();
    if (this.broken) throw this.broken;
    for (const message of messages) this.onRelease(message);
    return this.#moved(
      messages.map(({ queueId }) => queueId),
      'hold',
      'active',
    );
  }

  async hold(queueIds: readonly string[]): Promise<ReleaseOutcome> {
    this.holds.push(queueIds);
    await this.before();
    if (this.broken) throw this.broken;
    return this.#moved(queueIds, 'deferred', 'hold');
  }

  /** Ids in the order in which they were released. */
  get left(): readonly string[] {
    return this.releases.flatMap((batch) => batch.map(({ queueId }) => queueId));
  }

  #moved(
    queueIds: readonly string[],
    from: QueuedMessage['queue'],
    to: QueuedMessage['queue'],
  ): ReleaseOutcome {
    const found = queueIds.filter(
      (id) => !this.deaf.has(id) && this.messages.get(id)?.queue === from,
    );
    for (const id of found) {
      const message = this.messages.get(id);
      if (message !== undefined) this.messages.set(id, { ...message, queue: to });
    }
    const confirmed = found.filter((id) => !this.silent.has(id));
    return { confirmed, unconfirmed: queueIds.filter((id) => !confirmed.includes(id)) };
  }
}
