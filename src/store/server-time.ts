/** Clocks are set by whole milliseconds: that is no difference. */
const GRAIN_US = 5e3;

/**
 * How far a server's clock is ahead of this machine's, as its answers tell. Neither is what the way there
 * and back may account for.
 */
export class ServerTime {
  readonly #nowUs: (() => number) | undefined;
  #aheadUs = 0;

  /** `nowUs`: this machine's clock; undefined: it is the server's. */
  constructor(nowUs: (() => number) | undefined) {
    this.#nowUs = nowUs;
  }

  get aheadMs(): number {
    return this.#aheadUs / 1e3;
  }

  get nowMs(): number {
    return this.#nowUs === undefined ? Infinity : this.#nowUs() / 1e3;
  }

  /** `ask`: for the server's time. */
  async measure(ask: () => Promise<number>): Promise<void> {
    if (this.#nowUs === undefined) return;
    const askedUs = this.#nowUs();
    const serverUs = await ask();
    const answeredUs = this.#nowUs();
    const aheadUs = Math.round(serverUs - (askedUs + answeredUs) / 2);
    const doubtUs = (answeredUs - askedUs) / 2 + GRAIN_US;
    if (Math.abs(aheadUs - this.#aheadUs) > doubtUs) this.#aheadUs = aheadUs;
  }
}
