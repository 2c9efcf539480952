/**
 * When to look at a log file again: soon after it changed. A quiet log is waited for by inotify and
 * by a slow poll; a busy one is looked at a few times a second, for being told of each of its lines
 * costs more than to read them.
 */
import { watch, type FSWatcher } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** A change is mostly followed by others: they are read together. */
const GATHER_MS = 10;
/** More than this since the last look, some forty messages a second, is a busy log. */
const BUSY_BYTES_PER_MS = 50;
const BUSY_MOST_MS = 50;

export class LogWatch {
  readonly #path: string;
  readonly #pollMs: number;
  #watcher: FSWatcher | undefined;
  #changed = false;
  #isBusy = false;
  #isClosed = false;
  #wake: () => void = () => undefined;

  constructor(path: string, pollMs: number) {
    this.#path = path;
    this.#pollMs = pollMs;
  }

  /** The file that has the path now is watched. */
  start(): void {
    this.#watcher?.close();
    this.#isBusy = false;
    try {
      this.#watcher = watch(this.#path, () => {
        this.#changed = true;
        this.#wake();
      });
      this.#watcher.on('error', () => undefined);
    } catch {
      // No inotify watch left: the poll alone does it, a fifth of a second later.
      this.#watcher = undefined;
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#watcher?.close();
    this.#wake();
  }

  /** Until the file changes, or it is time to look. */
  async pause(): Promise<void> {
    if (!this.#changed && !this.#isClosed) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, this.#pollMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    if (this.#changed) await sleep(GATHER_MS);
    this.#changed = false;
  }

  /** The same, where `bytes` came since the last look: the more, the longer it is gathered. */
  async after(bytes: number): Promise<void> {
    const gatherMs = Math.min(bytes / BUSY_BYTES_PER_MS, BUSY_MOST_MS);
    if (gatherMs > GATHER_MS) {
      this.#watcher?.close();
      this.#isBusy = true;
      await sleep(gatherMs);
      return;
    }
    if (this.#isBusy) {
      this.start();
      // What came between the last look and now was told to nobody.
      this.#changed = true;
    }
    await this.pause();
  }
}
