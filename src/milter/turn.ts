/**
 * One event being handled: the context its handler sees. The AbortSignal is made only for those
 * who ask; most handlers are synchronous and never do.
 */
import type { TransactionContext } from './options.ts';
import type { MacroTable } from './macros.ts';
import type { EventStep } from './session.ts';
import type { EditList } from './editor.ts';

export class Turn implements TransactionContext<unknown, unknown> {
  readonly step: EventStep;
  readonly session: unknown;
  readonly txn: unknown;
  readonly macros: MacroTable;
  readonly edit: EditList | undefined;
  readonly #onProgress: (turn: Turn) => void;
  #controller: AbortController | undefined;
  #reason: unknown;

  constructor(
    step: EventStep,
    session: unknown,
    txn: unknown,
    macros: MacroTable,
    edit: EditList | undefined,
    onProgress: (turn: Turn) => void,
  ) {
    this.step = step;
    this.session = session;
    this.txn = txn;
    this.macros = macros;
    this.edit = edit;
    this.#onProgress = onProgress;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  progress(): void {
    this.#onProgress(this);
  }

  /** The answer no longer matters. */
  cancel(reason: DOMException): void {
    this.#reason ??= reason;
    this.#controller?.abort(this.#reason);
    this.edit?.take();
  }
}
