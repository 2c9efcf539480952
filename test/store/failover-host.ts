/** A host whose store goes on without Redis, and a stream of mail that it is asked about. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Limits } from '../../src/limit/limits.ts';
import { type Clock, systemClock } from '../../src/store/clock.ts';
import { openFailoverStore } from '../../src/store/open-failover.ts';
import type { RedisServer } from '../../src/store/redis-server.ts';
import type { Split, Store } from '../../src/store/store.ts';
import type { Admitted } from './windows.ts';

export interface Host {
  readonly store: Store;
  readonly name: string;
  /** What it said when Redis went, and how long it was away when it was back. */
  readonly away: Split[];
  readonly back: number[];
}

export async function openHost(
  server: RedisServer,
  name: string,
  more: { readonly stateDir?: string; readonly answerMs?: number; readonly clock?: Clock } = {},
): Promise<Host> {
  const away: Split[] = [];
  const back: number[] = [];
  const store = await openFailoverStore({
    server,
    pool: 'pool',
    host: name,
    clock: systemClock,
    onAway: (split) => void away.push(split),
    onBack: (awayUs) => void back.push(awayUs),
    ...more,
  });
  return { store, name, away, back };
}

/** The same where Redis is there: a machine too busy to find it within a second is asked again. */
export async function openJoined(
  server: RedisServer,
  name: string,
  more: { readonly answerMs?: number; readonly clock?: Clock } = {},
): Promise<Host> {
  for (;;) {
    const host = await openHost(server, name, more);
    if (host.away.length === 0) return host;
    await host.store.close();
  }
}

/** Mail that waits, asked about again and again; each has its outcome a while after it may go. */
export class Stream {
  readonly admitted: (Admitted & { readonly id: string })[] = [];
  slowestMs = 0;
  readonly #host: Host;
  readonly #limits: Limits;
  readonly #running: Promise<void>;
  #ends = false;

  constructor(host: Host, limits: Limits) {
    this.#host = host;
    this.#limits = limits;
    this.#running = this.#run();
  }

  /** Resolves when all that may go has its outcome. */
  async end(): Promise<void> {
    this.#ends = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    const { store, name } = this.#host;
    const outcomes: Promise<void>[] = [];
    for (let i = 0; !this.#ends; i += 1) {
      const id = `${name}/${i}`;
      const waitMs = await this.#ask(id);
      if (waitMs === undefined) outcomes.push(sleep(250).then(() => store.settle('p', id)));
      else await sleep(Math.min(waitMs, 20));
    }
    await Promise.all(outcomes);
  }

  async #ask(id: string): Promise<number | undefined> {
    const fromMs = performance.now();
    const demands = [{ provider: 'p', recipients: 1, limits: this.#limits }];
    const result = await this.#host.store.take({ id, lane: 1, queued: true, demands });
    this.slowestMs = Math.max(this.slowestMs, performance.now() - fromMs);
    if (!result.ok) return (result.retryAtUs - result.nowUs) / 1000;
    this.admitted.push({ id, atUs: result.nowUs, recipients: 1 });
    return undefined;
  }
}
