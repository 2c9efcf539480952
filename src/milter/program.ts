/**
 * The program's side of one connection: its session and transaction objects, and its handlers,
 * called one at a time. Whatever a handler does (return, throw, promise, never settle), one
 * verdict comes out of each event; an observer's is always `proceed`.
 */
import { inspect } from 'node:util';
import type { Stage } from './codes.ts';
import { EditList, type Grants } from './editor.ts';
import type { MacroTable } from './macros.ts';
import type { Failure, Limits, MilterOptions } from './options.ts';
import type { End, EventStep } from './session.ts';
import { Turn } from './turn.ts';
import { isVerdict, proceed, tempfail, type Verdict } from './verdict.ts';

/** Where verdicts go. */
export interface Bench {
  /** `isLate`: the handler took its time, the connection is to go on after this. */
  answer(step: EventStep, verdict: Verdict, edit: EditList | undefined, isLate: boolean): void;
  progress(step: EventStep): void;
}

/** Method syntax makes a handler of one event one of any: its key ties it to its event. */
interface Callback {
  call(event: unknown, context: unknown): unknown;
}
type Handlers = { readonly [S in Stage]?: Callback['call'] | undefined };

export class Program {
  readonly #options: MilterOptions<unknown, unknown>;
  readonly #limits: Limits;
  readonly #grants: Grants;
  readonly #macros: MacroTable;
  readonly #bench: Bench;
  #session: { readonly value: unknown } | undefined;
  #txn: unknown;
  /** The event whose handler has not settled yet. */
  #turn: Turn | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    options: MilterOptions<unknown, unknown>,
    limits: Limits,
    grants: Grants,
    macros: MacroTable,
    bench: Bench,
  ) {
    this.#options = options;
    this.#limits = limits;
    this.#grants = grants;
    this.#macros = macros;
    this.#bench = bench;
  }

  /** A handler is at work. */
  get isBusy(): boolean {
    return this.#turn !== undefined;
  }

  /** The SMTP session is over. */
  forgetSession(): void {
    this.#session = undefined;
  }

  /** A transaction has ended. */
  finish(how: End): void {
    const { end, onFault } = this.#options;
    const txn = this.#txn;
    this.#txn = undefined;
    try {
      end?.(how, { session: this.#session?.value, txn });
    } catch (error) {
      onFault?.(error, 'callback');
    }
  }

  handle(step: EventStep): void {
    const { stage } = step;
    if (step.opens) this.#session = undefined;
    const on: Handlers = this.#options.on;
    const observe: Handlers = this.#options.observe ?? {};
    const handler = step.skipped ? undefined : on[stage];
    let turn: Turn | undefined;
    let outcome: unknown;
    try {
      turn = this.#newTurn(step);
      const callback = handler ?? observe[stage];
      if (callback !== undefined) outcome = callback(stage === 'eom' ? turn : step.command, turn);
    } catch (error) {
      if (handler === undefined) {
        this.#tell(error, { stage });
        this.#bench.answer(step, proceed, undefined, false);
      } else {
        this.#fail(step, turn?.edit, error, false);
      }
      return;
    }
    if (handler !== undefined && isThenable(outcome)) {
      this.#await(turn, outcome);
    } else if (handler !== undefined) {
      this.#judge(turn, outcome, false);
    } else {
      // An observer has no answer. A promise is none either, but must not be left alone.
      if (isThenable(outcome)) outcome.then(undefined, (error) => this.#tell(error, { stage }));
      this.#bench.answer(step, proceed, turn.edit, false);
    }
  }

  /** The answer of the event under way no longer matters; gives that event. */
  abandon(why: string): EventStep | undefined {
    const turn = this.#release();
    turn?.cancel(new DOMException(why, 'AbortError'));
    return turn?.step;
  }

  #newTurn(step: EventStep): Turn {
    this.#session ??= { value: this.#options.session?.() };
    const session = this.#session.value;
    if (step.begins) this.#txn = this.#options.transaction?.(session);
    const edit = step.stage === 'eom' ? new EditList(this.#grants) : undefined;
    return new Turn(step, session, this.#txn, this.#macros, edit, this.#progress);
  }

  #await(turn: Turn, outcome: PromiseLike<unknown>): void {
    this.#turn = turn;
    const { stage } = turn.step;
    const deadlineMs = stage === 'eom' ? this.#limits.eomMs : this.#limits.decisionMs;
    this.#timer = setTimeout(() => {
      const why = `no decision on ${stage} within ${deadlineMs} ms`;
      const error = new DOMException(why, 'TimeoutError');
      this.#release();
      turn.cancel(error);
      this.#fail(turn.step, turn.edit, error, true);
    }, deadlineMs);
    outcome.then(
      (verdict) => this.#onSettled(turn, () => this.#judge(turn, verdict, true)),
      (error: unknown) =>
        this.#onSettled(turn, () => this.#fail(turn.step, turn.edit, error, true)),
    );
  }

  /** A handler that was abandoned, or is too late, settles for nobody. */
  #onSettled(turn: Turn, proceedWith: () => void): void {
    if (this.#turn !== turn) return;
    this.#release();
    proceedWith();
  }

  #release(): Turn | undefined {
    const turn = this.#turn;
    clearTimeout(this.#timer);
    this.#turn = undefined;
    return turn;
  }

  #judge({ step, edit }: Turn, outcome: unknown, isLate: boolean): void {
    const verdict = outcome ?? proceed;
    if (isVerdict(step.stage, verdict)) {
      this.#bench.answer(step, verdict, edit, isLate);
      return;
    }
    const error = new TypeError(`no answer to ${step.stage}: ${inspect(verdict)}`);
    this.#fail(step, edit, error, isLate);
  }

  /** What the failed handler had changed is dropped; onError starts from an unchanged message. */
  #fail(step: EventStep, spoilt: EditList | undefined, error: unknown, isLate: boolean): void {
    spoilt?.take();
    const edit = step.stage === 'eom' ? new EditList(this.#grants) : undefined;
    const failure = edit ? { stage: step.stage, edit } : { stage: step.stage };
    const verdict = this.#tell(error, failure);
    const isSound = isVerdict(step.stage, verdict);
    this.#bench.answer(step, isSound ? verdict : tempfail, edit, isLate);
  }

  /** onError may fail itself: the event is answered all the same. */
  #tell(error: unknown, failure: Failure): unknown {
    const { onError, onFault } = this.#options;
    try {
      return onError?.(error, failure);
    } catch (second) {
      onFault?.(second, 'callback');
      return undefined;
    }
  }

  /** Sent only where the MTA takes it: Postfix at any event, others at the end of message. */
  readonly #progress = (turn: Turn): void => {
    if (this.#turn !== turn || !turn.step.answered) return;
    const isPostfix = turn.macros.get('v')?.startsWith('Postfix') ?? false;
    if (turn.step.stage !== 'eom' && !isPostfix) return;
    this.#timer?.refresh();
    this.#bench.progress(turn.step);
  };
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value;
}
