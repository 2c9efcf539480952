/**
 * Keeps what providers' answers make of their limits: each outcome is judged by `adjust`, and what
 * comes of it is set in the store if nobody else was faster. What is read is the last that was seen;
 * the store tells of every change.
 */
import { readableCause } from './cause.ts';
import { UNTROUBLED, type Standing } from '../limit/standing.ts';
import type { Adjustment, Store } from '../store/store.ts';
import { adjust, type Done } from './adjust.ts';
import type { OutcomeEvent } from './outcome-event.ts';
import { factorAt, WALL_MS } from './climb.ts';
import type { ControlSettings } from './control-settings.ts';
import { isForgotten } from './forgotten.ts';
import { placesAt } from './places.ts';
import { limitOf, placesOf } from './standing-words.ts';
import { isOut, mayLeave, nextLookMs, stopAt } from './probe.ts';

export interface LearnerParts {
  readonly clock: { readonly nowMs: () => number };
  readonly store: Store;
  readonly log: LearnerLog;
  /** What the configuration and an operator allow a provider, recipients a minute. */
  readonly ceilingPerMin: (provider: string) => number;
  /** What quotas leave of that in the long run. */
  readonly steadyPerMin: (provider: string) => number;
  /** An operator's override that is to hold as it is: no rate of it is lowered, a block stops it. */
  readonly isPinned: (provider: string) => boolean;
  readonly settings: () => Omit<ControlSettings, 'ceilingPerMin' | 'steadyPerMin'>;
  /** The store can't be reached: what was seen is lost, limits stay as they are. */
  readonly onStoreTrouble: (error: unknown) => void;
}

export interface LearnerLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** What may leave for a provider that is stopped: so many messages, or none until a look. */
export interface Room {
  readonly messages: number;
  /** Infinity: an outcome is waited for. */
  readonly lookMs: number;
}

/** Others may be faster; so often it is tried again on what they left. */
const ATTEMPTS = 8;

/** Why a step was made, or the provider opened, when no probe's outcome was the reason. */
const SILENCE = 'by time: probes had no outcome';

const KINDS: Readonly<Record<Done, Adjustment['kind']>> = {
  crowded: 'crowded',
  tightened: 'tightened',
  suspended: 'blocked',
  'suspended longer': 'blocked',
  step: 'probing',
  opened: 'opened',
};

export class Learner {
  readonly #parts: LearnerParts;
  #standings = new Map<string, Standing>();
  /** Events of a provider one after the other. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(parts: LearnerParts) {
    this.#parts = parts;
  }

  /** To be called at the start and whenever the store tells of a change. Rejects with StoreError. */
  async read(): Promise<void> {
    this.#standings = new Map(await this.#parts.store.standings());
  }

  standing(provider: string): Standing | undefined {
    return this.#standings.get(provider);
  }

  providers(): IterableIterator<string> {
    return this.#standings.keys();
  }

  /** 0 < factor <= 1 on the provider's limits now; three digits, lest each look change them. */
  factor(provider: string): number {
    const standing = this.#standings.get(provider);
    if (standing === undefined || this.#parts.isPinned(provider)) return 1;
    return Number(factorAt(standing, this.#settings(provider), this.#nowMs()).toPrecision(3));
  }

  /** How many messages it may have without an outcome; Infinity: as configured. */
  places(provider: string): number {
    const { places } = this.#standings.get(provider) ?? {};
    if (places === undefined || this.#parts.isPinned(provider)) return Infinity;
    return placesAt(places, this.#parts.settings().scale, this.#nowMs());
  }

  /** undefined: no stop. A message that has its place as a probe already (`id`) has room. */
  room(provider: string, id?: string): Room | undefined {
    const stop = this.#standings.get(provider)?.stop;
    if (stop === undefined) return undefined;
    const nowMs = this.#nowMs();
    const now = stopAt(stop, nowMs);
    if (now === undefined) return undefined;
    const messages = mayLeave(now, nowMs);
    const isOurs = id !== undefined && isOut(now, id);
    return { messages: isOurs ? Math.max(1, messages) : messages, lookMs: nextLookMs(now) };
  }

  /** Counts a probe in the whole pool; false where there is no room for it any more. */
  async claim(provider: string, id: string): Promise<boolean> {
    const room = this.room(provider, id);
    if (room === undefined) return true;
    if (room.messages === 0) return false;
    await this.tell(provider, { kind: 'probe', id, leftMs: this.#nowMs() }, SILENCE);
    const stop = this.#standings.get(provider)?.stop;
    return stop === undefined || isOut(stop, id);
  }

  /** `because`: the provider's reply. Resolves with what it changed, if anything. Never rejects. */
  tell(provider: string, event: OutcomeEvent, because: string): Promise<Done | undefined> {
    const turn = (this.#turns.get(provider) ?? Promise.resolve())
      .then(() => this.#change(provider, event, because))
      .catch((error: unknown) => {
        this.#parts.onStoreTrouble(error);
        return undefined;
      })
      .finally(() => {
        if (this.#turns.get(provider) === turn) this.#turns.delete(provider);
      });
    this.#turns.set(provider, turn);
    return turn;
  }

  /** An operator knows better: open, and with `forget` at the ceiling too. Rejects with StoreError. */
  async reopen(provider: string, forget: boolean): Promise<void> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      await this.read();
      const known = this.#standings.get(provider);
      if (known === undefined || (!forget && known.stop === undefined)) return;
      // What left before is no news after: its answers change nothing any more.
      const anew = { epoch: known.epoch + 1, sinceMs: this.#nowMs(), worthMs: 0, stop: undefined };
      const after = { ...(forget ? UNTROUBLED : known), ...anew };
      if (await this.#parts.store.setStanding(provider, known.epoch, after, undefined)) break;
    }
    await this.read();
  }

  /** Forgets those that owe nothing to the past any more, and opens what time has. Never rejects. */
  async tidy(): Promise<void> {
    const nowMs = this.#nowMs();
    for (const [provider, standing] of this.#standings) {
      const isOver = standing.stop !== undefined && stopAt(standing.stop, nowMs) === undefined;
      if (isOver) await this.tell(provider, { kind: 'kept', id: '', leftMs: nowMs }, SILENCE);
      if (!isForgotten(standing, this.#settings(provider), nowMs)) continue;
      await this.#parts.store
        .setStanding(provider, standing.epoch, undefined, undefined)
        .catch(this.#parts.onStoreTrouble);
    }
  }

  async #change(provider: string, event: OutcomeEvent, because: string): Promise<Done | undefined> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const nowMs = this.#nowMs();
      const known = this.#standings.get(provider);
      // A first epoch that was never used before: an old one must not be taken for it.
      const before = known ?? { ...UNTROUBLED, epoch: Math.floor(nowMs) };
      const settings = this.#settings(provider);
      const { standing, done } = adjust(before, this.#heard(provider, event), settings, nowMs);
      if (standing === before) return undefined;
      const why = done && this.#adjustment(provider, before, standing, { done, because });
      const { store } = this.#parts;
      if (await store.setStanding(provider, known?.epoch ?? 0, standing, why)) {
        this.#standings.set(provider, standing);
        if (why !== undefined) this.#told(why, event.id);
        return done;
      }
      await this.read();
    }
    this.#parts.log.warn({ provider }, 'feedback could not be kept: others were always faster');
    return undefined;
  }

  /** What is not in force can't be lowered: where the limits are pinned it is a probe's outcome at most. */
  #heard(provider: string, event: OutcomeEvent): OutcomeEvent {
    if (!this.#parts.isPinned(provider)) return event;
    const { kind, id, leftMs } = event;
    if (kind === 'blocked') return { ...event, keepsRate: true };
    const isStopped = this.#standings.get(provider)?.stop !== undefined;
    const lowers = kind === 'slow' || kind === 'crowded' || (kind === 'judged' && !isStopped);
    return lowers ? { kind: 'unclear', id, leftMs } : event;
  }

  #adjustment(
    provider: string,
    before: Standing,
    after: Standing,
    { done, because }: { readonly done: Done; readonly because: string },
  ): Adjustment {
    const nowMs = this.#nowMs();
    const words = done === 'crowded' ? placesOf : limitOf;
    const untilMs =
      after.stop?.phase === 'suspended'
        ? after.stop.untilMs
        : nowMs + WALL_MS / this.#parts.settings().scale;
    return {
      atUs: Math.round(nowMs * 1e3),
      provider,
      kind: KINDS[done],
      from: words(before, this.#settings(provider), nowMs),
      to: words(after, this.#settings(provider), nowMs),
      why: readableCause(because),
      by: 'feedback',
      untilUs: Math.round(untilMs * 1e3),
    };
  }

  #told({ provider, kind, from, to, why }: Adjustment, id: string): void {
    const fields = { provider, id, from, to, reply: why };
    if (kind === 'tightened')
      this.#parts.log.warn(fields, 'provider says slow down: limit lowered');
    else if (kind === 'crowded')
      this.#parts.log.warn(fields, 'provider says too many connections: fewer messages at once');
    else if (kind === 'blocked') this.#parts.log.warn(fields, 'provider blocks us: suspended');
    else this.#parts.log.info(fields, kind === 'opened' ? 'provider is open again' : 'probes pass');
  }

  #settings(provider: string): ControlSettings {
    const { ceilingPerMin, steadyPerMin, settings } = this.#parts;
    return {
      ceilingPerMin: ceilingPerMin(provider),
      steadyPerMin: steadyPerMin(provider),
      ...settings(),
    };
  }

  #nowMs(): number {
    return this.#parts.clock.nowMs();
  }
}
