/**
 * Time that passes when the test says so: the clocks of pacing and of the store, and in place of
 * setTimeout and setInterval timers that run in their order, with everything that is awaited
 * settled between two of them. One second or one month cost the same.
 */
import type { Test } from 'tap';
import type { Clock } from '../../src/pace/clock.ts';
import type { Clock as StoreClock } from '../../src/store/clock.ts';

interface Timer {
  readonly id: number;
  atUs: number;
  readonly everyUs: number | undefined;
  readonly run: () => void;
}

const START_US = 1_790_000_000_000_000;

export class VirtualTime implements Clock {
  #nowUs = START_US;
  #lastId = 0;
  /** false: intervals set from now on never tick, where the test has no use for them. */
  ticks = true;
  readonly #timers = new Map<object, Timer>();
  readonly #real = {
    setTimeout: globalThis.setTimeout,
    setInterval: globalThis.setInterval,
    clearTimeout: globalThis.clearTimeout,
    clearInterval: globalThis.clearInterval,
  };

  /** Takes the place of the machine's timers until the test ends. */
  constructor(t: Test) {
    const start =
      (repeats: boolean) =>
      (run: () => void, ms = 0): object => {
        const us = Math.max(1000, Math.ceil(ms * 1000));
        const handle = {
          unref: () => handle,
          ref: () => handle,
          refresh: () => {
            const timer = this.#timers.get(handle);
            if (timer !== undefined) timer.atUs = this.#nowUs + us;
            return handle;
          },
        };
        const everyUs = repeats ? us : undefined;
        if (repeats && !this.ticks) return handle;
        this.#timers.set(handle, { id: ++this.#lastId, atUs: this.#nowUs + us, everyUs, run });
        return handle;
      };
    const stop = (handle: NodeJS.Timeout | undefined): void => {
      if (handle !== undefined && this.#timers.delete(handle)) return;
      this.#real.clearTimeout(handle);
    };
    const put = { clearTimeout: stop, clearInterval: stop };
    Object.assign(globalThis, put, { setTimeout: start(false), setInterval: start(true) });
    t.teardown(() => this.leave());
  }

  /** The machine's timers again. */
  leave(): void {
    Object.assign(globalThis, this.#real);
    this.#timers.clear();
  }

  nowUs(): number {
    return this.#nowUs;
  }

  nowMs(): number {
    return this.#nowUs / 1000;
  }

  /** The same time for the memory store. */
  get forStore(): StoreClock {
    return { wallUs: () => this.#nowUs, monotonicUs: () => this.#nowUs };
  }

  /** Everything that can go on without time passing has gone on. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Runs what is due within so many milliseconds, in order. */
  async advance(ms: number): Promise<void> {
    const untilUs = this.#nowUs + Math.round(ms * 1000);
    await this.settle();
    for (let timer = this.#next(untilUs); timer !== undefined; timer = this.#next(untilUs)) {
      this.#nowUs = Math.max(this.#nowUs, timer.atUs);
      timer.run();
      await this.settle();
    }
    this.#nowUs = untilUs;
  }

  /** The first timer due by then: taken away, or set anew when it repeats. */
  #next(untilUs: number): Timer | undefined {
    let found: [object, Timer] | undefined;
    for (const entry of this.#timers) {
      const [, timer] = entry;
      if (timer.atUs > untilUs) continue;
      const isEarlier =
        found === undefined ||
        timer.atUs < found[1].atUs ||
        (timer.atUs === found[1].atUs && timer.id < found[1].id);
      if (isEarlier) found = entry;
    }
    if (found === undefined) return undefined;
    const [handle, timer] = found;
    const taken = { ...timer };
    if (timer.everyUs === undefined) this.#timers.delete(handle);
    else timer.atUs += timer.everyUs;
    return taken;
  }
}
