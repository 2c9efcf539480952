/**
 * This host's membership in a pool: a sign of life each second, what waits here, and what the other
 * daemons changed. A change is told at once where the subscription works, and read within the second
 * in any case.
 */
import { isSendersAccount } from './account-name.ts';
import type { RedisConnection } from './redis-connection.ts';
import type { Keys } from './redis-keys.ts';
import { strings } from './redis-reply.ts';
import type { Scripts } from './redis-scripts.ts';

export interface PoolParts {
  readonly connection: RedisConnection;
  readonly keys: Keys;
  readonly scripts: Scripts;
  readonly host: string;
  /** Tells this daemon's own changes from the others'. */
  readonly instance: string;
  readonly onChange: (provider: string) => void;
  /** Changes may have been missed: everything may have changed. */
  readonly onGap: () => void;
  /** A sign of life was not answered. */
  readonly onTrouble?: (error: unknown) => void;
  /** Nothing was ever decided about any provider; or that was evicted, or flushed. */
  readonly onForgotten?: (forgotten: Forgotten) => void;
}

/** Which decisions are not there. */
export interface Forgotten {
  readonly controls: boolean;
  readonly standings: boolean;
}

const BEAT_MS = 1000;

export class RedisPool {
  readonly #parts: PoolParts;
  /** Name of the account -> lanes as announced: `010`. */
  readonly #announced = new Map<string, string>();
  #newest = '';
  /** What Redis has of this host may be wrong: it has just started, or something did not arrive. */
  #owing = true;
  /** Changes may have been missed, and nobody was told so yet. */
  #gap = false;
  #beating: Promise<void> | undefined;
  #again = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: PoolParts) {
    this.#parts = parts;
  }

  /** Rejects with StoreError. */
  async join(): Promise<void> {
    await this.#beat();
    this.#timer = setInterval(() => this.look(), BEAT_MS).unref();
  }

  /** Reads what changed, soon. */
  look(): void {
    if (this.#beating !== undefined) {
      this.#again = true;
      return;
    }
    this.#beating = this.#beat()
      // Whoever asks the store next is told too; here it is tried again in a second.
      .catch((error: unknown) => this.#parts.onTrouble?.(error))
      .finally(() => {
        this.#beating = undefined;
        if (!this.#again) return;
        this.#again = false;
        this.look();
      });
  }

  /** Somebody changed something. */
  told(instance: string): void {
    if (instance !== this.#parts.instance) this.look();
  }

  /** The server was away: what it knows may be another's, or older. */
  returned(): void {
    this.#owing = true;
    this.#gap = true;
    this.look();
  }

  /** Providers for which mail waits here. */
  get announced(): readonly string[] {
    return [...this.#announced.keys()].filter((name) => !isSendersAccount(name));
  }

  /** All that waits here, by account: to be said with the next sign of life, which is now. */
  async say(waiting: ReadonlyMap<string, readonly number[]>): Promise<void> {
    await this.#beating;
    this.#announced.clear();
    for (const [name, counts] of waiting) this.#announced.set(name, lanesOf(counts));
    this.#owing = true;
    await this.#beat();
  }

  /** What of it is not said yet, or is no longer so. */
  async keepUp(waiting: ReadonlyMap<string, readonly number[]>): Promise<void> {
    const names = new Set([...this.#announced.keys(), ...waiting.keys()]);
    await Promise.all(Array.from(names, (name) => this.announce(name, waiting.get(name) ?? [])));
  }

  /** `name`: the account that it waits for. */
  async announce(name: string, waiting: readonly number[]): Promise<void> {
    const lanes = lanesOf(waiting);
    const known = this.#announced.get(name);
    if (known === undefined ? !lanes.includes('1') : known === lanes) return;
    if (lanes.includes('1')) this.#announced.set(name, lanes);
    else this.#announced.delete(name);
    try {
      await this.#send(name, lanes);
    } catch (error) {
      this.#owing = true;
      throw error;
    }
  }

  /** What is announced here holds for two minutes more, or until the next start. */
  leave(): void {
    clearInterval(this.#timer);
  }

  async #beat(): Promise<void> {
    const { connection, keys, scripts, host, instance, onChange, onGap } = this.#parts;
    const { clock, hosts, waiting, index, changes: told, senders, controls, standings } = keys;
    const whole = this.#owing;
    this.#owing = false;
    let reply: unknown;
    try {
      reply = await connection.run(
        scripts.beat,
        [clock, hosts, waiting, index, told, senders, controls, standings],
        [host, this.#newest, whole ? 1 : 0, ...(whole ? [...this.#announced].flat() : [])],
      );
    } catch (error) {
      this.#owing = true;
      throw error;
    }
    const [newest = '', lost, controlled, stands, waits, ...changes] = strings(reply);
    this.#newest = newest;
    const forgotten = { controls: controlled === '0', standings: stands === '0' };
    if (forgotten.controls || forgotten.standings) this.#parts.onForgotten?.(forgotten);
    if (this.#gap || lost === '1') {
      this.#gap = false;
      onGap();
    }
    // Redis evicted it: it is said anew with the next sign of life.
    if (waits === '0' && this.#announced.size > 0) this.#owing = true;
    for (let i = 0; i < changes.length; i += 2) {
      if (changes[i] !== instance) onChange(changes[i + 1]!);
    }
  }

  async #send(name: string, lanes: string): Promise<void> {
    const { connection, keys, scripts, host } = this.#parts;
    await connection.run(scripts.announce, [keys.waiting], [name, host, lanes]);
  }
}

function lanesOf(waiting: readonly number[]): string {
  return waiting.map((count) => (count > 0 ? '1' : '0')).join('');
}
