/** Where the progress goes: a table in place on a terminal, else a line every few seconds. */
import { progressLine, table } from './table.ts';
import type { Snapshot } from './snapshot.ts';

const LINE_EVERY_MS = 5000;

export class Screen {
  readonly #out: NodeJS.WriteStream;
  #drawn = 0;
  #lineDueMs = 0;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  get colour(): boolean {
    return this.#out.isTTY && (process.env['NO_COLOR'] ?? '') === '';
  }

  show(now: Snapshot): void {
    if (this.#out.isTTY) {
      const lines = table(now);
      const up = this.#drawn === 0 ? '' : `\u001B[${this.#drawn}A`;
      this.#out.write(`${up}${lines.map((line) => `\u001B[2K${line}\n`).join('')}`);
      this.#drawn = lines.length;
    } else if (now.elapsedMs >= this.#lineDueMs) {
      this.say(progressLine(now));
      this.#lineDueMs = now.elapsedMs + LINE_EVERY_MS;
    }
  }

  say(...lines: readonly string[]): void {
    this.#drawn = 0;
    this.#out.write(lines.map((line) => `${line}\n`).join(''));
  }
}
