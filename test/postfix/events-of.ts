import type { Followed, LogFollower } from '../../src/postfix/follow.ts';

/** What a follower reads, one by one. */
export async function* eventsOf(follower: LogFollower): AsyncGenerator<Followed> {
  for await (const piece of follower) yield* piece;
}
