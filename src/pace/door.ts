/**
 * The door of tempfail mode: a recipient is taken from its provider's limits at RCPT, or refused for
 * now. Where a wait is allowed it stands in line first, better lanes before others, and is refused
 * only when its turn would come later than that. What was taken is not given back: a message that
 * ends before it was sent costs its intervals, never an overrun.
 */
import { type Origin, senderKey } from '../mail/origin.ts';
import type { Share } from './item.ts';
import type { Scheduler } from './scheduler.ts';
import type { Store } from '../store/store.ts';
import type { Clock } from './clock.ts';
import type { Attempt, Cause, Gate } from './gate.ts';

export interface DoorParts {
  readonly clock: Clock;
  readonly store: Store;
  readonly gate: Gate;
  /** Whether older mail of the provider is held, in this lane or a better one. */
  readonly waitsBefore: Scheduler['waitsBefore'];
  readonly laneOf: (origin: Origin) => string;
  readonly laneIndex: (lane: string) => number;
  /** How long a recipient may wait for its turn; 0: not at all. */
  readonly waitMs: () => number;
  /** Told of what was let in. */
  readonly entered: (caller: Caller, attempt: Attempt & { ok: true }) => void;
}

/** A recipient at RCPT. */
export interface Caller {
  /** The message's name in the pool; its in_flight place. */
  readonly id: string;
  readonly provider: string;
  readonly member?: string;
  /** Without headers, which come later. */
  readonly origin: Origin;
  /** Fires when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

export type DoorAnswer =
  | { readonly kind: 'in' }
  /** `atMs`: the next chance, milliseconds since the epoch; Infinity: nobody knows. */
  | { readonly kind: 'later'; readonly cause: Cause; readonly atMs: number };

interface Place {
  readonly caller: Caller;
  readonly lane: number;
  answer: (answer: DoorAnswer) => void;
  isOver: boolean;
}

interface Line {
  readonly provider: string;
  /** Best lane first, in each the oldest first. */
  readonly places: Place[];
  /** Why the head was refused last. */
  cause: Cause;
  /** Asking before then is in vain, unless something changes. */
  nextUs: number;
  /** The store is asked by one after the other. */
  turn: Promise<void>;
  timer: NodeJS.Timeout | undefined;
}

/** Postfix's client waits 300 s for an answer to RCPT. */
const LONGEST_MS = 240_000;
/** What was foreseen may come a little later: another host took a turn. */
const GRACE_MS = 5000;
/** Where only an event can help it is asked again all the same. */
const POLL_US = 1_000_000;

export class Door {
  readonly #parts: DoorParts;
  readonly #lines = new Map<string, Line>();

  constructor(parts: DoorParts) {
    this.#parts = parts;
  }

  /** Rejects with StoreError when the store can't be asked. */
  async ask(caller: Caller): Promise<DoorAnswer> {
    const line = this.#line(caller.provider);
    const { laneOf, laneIndex } = this.#parts;
    const lane = laneIndex(laneOf(caller.origin));
    const place: Place = { caller, lane, answer: () => undefined, isOver: false };
    const answered = new Promise<DoorAnswer>((resolve) => {
      place.answer = resolve;
    });
    const behind = line.places.findIndex((other) => other.lane > lane);
    line.places.splice(behind < 0 ? line.places.length : behind, 0, place);
    const leave = (): void => this.#answer(line, place, this.#later(line, Infinity));
    caller.signal.addEventListener('abort', leave, { once: true });
    if (caller.signal.aborted) leave();
    let timer: NodeJS.Timeout | undefined;
    try {
      await this.#serve(line);
      if (!place.isOver) {
        const boundMs = this.#boundMs(caller.provider);
        const atMs = await this.#turnOf(line, place);
        const waitMs = atMs - this.#parts.clock.nowMs();
        if (boundMs === 0 || waitMs > boundMs) this.#answer(line, place, this.#later(line, atMs));
        else {
          timer = setTimeout(() => {
            const soonMs = this.#parts.clock.nowMs() + boundMs;
            this.#answer(line, place, this.#later(line, soonMs));
          }, boundMs + GRACE_MS);
        }
      }
      return await answered;
    } finally {
      clearTimeout(timer);
      caller.signal.removeEventListener('abort', leave);
      this.#drop(line, place);
    }
  }

  /** How many wait for their turn at a provider. */
  waiting(provider: string): number {
    return this.#lines.get(provider)?.places.length ?? 0;
  }

  /** Something changed at the provider: its line is asked about anew. */
  wake(provider: string): void {
    const line = this.#lines.get(provider);
    if (line === undefined) return;
    line.nextUs = 0;
    this.#arm(line);
  }

  wakeAll(): void {
    for (const provider of this.#lines.keys()) this.wake(provider);
  }

  #line(provider: string): Line {
    const known = this.#lines.get(provider);
    if (known !== undefined) return known;
    const line: Line = {
      provider,
      places: [],
      cause: { kind: 'pace', provider },
      nextUs: 0,
      turn: Promise.resolve(),
      timer: undefined,
    };
    this.#lines.set(provider, line);
    return line;
  }

  #boundMs(provider: string): number {
    const waitMs = this.#parts.waitMs();
    if (waitMs === 0) return 0;
    const { pace } = this.#parts.gate.limits(provider);
    const intervalMs = pace === undefined ? 0 : Math.ceil(pace.windowUs / pace.count / 1000);
    // The next in line may always wait for its turn, however slow the pace, as far as Postfix waits.
    return Math.max(waitMs, intervalMs <= LONGEST_MS ? intervalMs : 0);
  }

  /** When its turn would come, as far as the limits tell. */
  async #turnOf(line: Line, place: Place): Promise<number> {
    const { gate, store } = this.#parts;
    const ahead = line.places.indexOf(place);
    // The store's clock may not be ours.
    const key = senderKey(place.caller.origin);
    const own = line.places.filter((one, i) => i < ahead && senderKey(one.caller.origin) === key);
    const turns = gate
      .demands({ provider: line.provider, recipients: 1 }, key, false)
      .map((demand) =>
        store.forecast(demand, (demand.sender === undefined ? Math.max(0, ahead) : own.length) + 1),
      );
    const [storeUs, ...turnsUs] = await Promise.all([store.now(), ...turns]);
    const limitsUs = this.#parts.clock.nowUs() + Math.max(0, Math.max(...turnsUs) - storeUs);
    return Math.max(limitsUs, line.cause.kind === 'trouble' ? line.nextUs : 0) / 1000;
  }

  #later({ cause }: Line, atMs: number): DoorAnswer {
    return { kind: 'later', cause, atMs };
  }

  #answer(line: Line, place: Place, answer: DoorAnswer): void {
    if (place.isOver) return;
    this.#drop(line, place);
    place.answer(answer);
  }

  #drop(line: Line, place: Place): void {
    place.isOver = true;
    const at = line.places.indexOf(place);
    if (at >= 0) line.places.splice(at, 1);
    if (line.places.length > 0) return;
    clearTimeout(line.timer);
    if (this.#lines.get(line.provider) === line) this.#lines.delete(line.provider);
  }

  /** One pass over the line, after those that were asked for before. */
  #serve(line: Line): Promise<void> {
    const pass = line.turn.then(() => this.#pass(line));
    line.turn = pass.catch(() => undefined);
    return pass;
  }

  async #pass(line: Line): Promise<void> {
    const { clock } = this.#parts;
    let again = Infinity;
    for (const place of line.places.slice()) {
      if (clock.nowUs() < line.nextUs) break;
      if (place.isOver) continue;
      const attempt = await this.#attempt(place);
      if (attempt.ok) {
        this.#parts.entered(place.caller, attempt);
        // Nobody waits for it any more: its place among those under way is free again.
        if (place.isOver) await this.#parts.store.settle(line.provider, place.caller.id);
        this.#answer(line, place, { kind: 'in' });
        continue;
      }
      const atUs = clock.nowUs() + attempt.waitUs;
      line.cause = attempt.cause;
      // A sender's own limit keeps nobody else back.
      if (attempt.cause.sender !== undefined) again = Math.min(again, atUs);
      else line.nextUs = atUs;
    }
    this.#arm(line, again);
  }

  async #attempt({ caller, lane }: Place): Promise<Attempt> {
    const { gate, waitsBefore } = this.#parts;
    const { id, provider, member } = caller;
    const sender = senderKey(caller.origin);
    const older = gate.passes(provider) ? undefined : waitsBefore(provider, lane, sender);
    if (older !== undefined) {
      const cause = { kind: 'waiting', provider, ...(older === 'sender' && { sender }) } as const;
      return { ok: false, waitUs: Infinity, cause, debts: [] };
    }
    const share: Share = { provider, recipients: 1, ...(member && { members: [member] }) };
    return gate.attempt({ id, sender, lane, shares: [share], observed: false }, false);
  }

  #arm(line: Line, againUs = Infinity): void {
    clearTimeout(line.timer);
    if (line.places.length === 0) return;
    const leftUs = Math.min(line.nextUs, againUs) - this.#parts.clock.nowUs();
    line.timer = setTimeout(
      () => {
        if (line.nextUs === Infinity) line.nextUs = 0;
        // What the store can't tell now is asked again; those who wait are bounded by their time.
        this.#serve(line).catch(() => this.#arm(line, this.#parts.clock.nowUs() + POLL_US));
      },
      Math.ceil(Math.min(Math.max(0, leftUs), POLL_US) / 1000),
    );
  }
}
