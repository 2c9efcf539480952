import type { Followed, LogCursor, LogFollower } from '../../src/postfix/follow.ts';

/** What a follower reads, one by one. */
export async function* eventsOf(follower: LogFollower): AsyncGenerator<Followed> {
  for await (const piece of follower) yield* piece;
}

/** The ids of `removed` lines that a follower has given so far, its last cursor, and how to end it. */
export interface Removed {
  readonly ids: number[];
  /** Those of them that are no history. */
  readonly news: number[];
  readonly history: boolean[];
  cursor: LogCursor | undefined;
  stop(): Promise<void>;
}

/** Reads until it is stopped. `cursor`: where the follower begins. */
export function removedOf(follower: LogFollower, cursor: LogCursor | undefined): Removed {
  const read = async () => {
    for await (const { event, cursor: behind, history } of eventsOf(follower)) {
      if (event.kind === 'removed') {
        mine.ids.push(Number(event.queueId));
        if (!history) mine.news.push(Number(event.queueId));
      }
      mine.history.push(history);
      mine.cursor = behind;
    }
  };
  const ended = read();
  const mine: Removed = {
    ids: [],
    news: [],
    history: [],
    cursor,
    stop: async () => {
      follower.close();
      await ended;
    },
  };
  return mine;
}
