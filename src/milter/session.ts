/**
 * The state of one connection, as a pure machine: commands go in, steps come out. It knows what
 * was negotiated, which events want an answer, and where a transaction begins and ends.
 *
 * A transaction begins with MAIL (or with the first event of a message where MAIL is not shown).
 * It ends once: with the answer to the end of message, a refusal of the whole message, ABORT, the
 * next MAIL or HELO, or the connection. A refused DATA does not end it: Postfix lets the client
 * go on with RCPT or DATA in the same transaction. Neither does a refused recipient.
 */
import { ACTION, HDR_LEADSPC, NO_REPLY, RCPT_REJ, SKIP, type Stage } from './codes.ts';
import type { Command, Eom, EventCommand, Rcpt } from './command.ts';
import { ProtocolError } from './error.ts';
import { MacroTable } from './macros.ts';
import { negotiate, type EditRight, type Wants } from './negotiation.ts';
import type { Agreement } from './reply.ts';
import type { Verdict } from './verdict.ts';

/** passed: the end of message was answered with yes. The MTA may still refuse it afterwards. */
export type End = 'passed' | 'refused' | 'aborted';

/** What follows from one command. `ended`: so the transaction that was open has ended. */
export type Step =
  | { readonly kind: 'none'; readonly ended?: End | undefined }
  | { readonly kind: 'agreed'; readonly agreement: Agreement }
  /** The MTA ends the SMTP session; a new one may follow on the connection. */
  | { readonly kind: 'reset'; readonly ended?: End | undefined }
  | { readonly kind: 'quit'; readonly ended?: End | undefined }
  | EventStep;

export interface EventStep {
  readonly kind: 'event';
  readonly stage: Stage;
  readonly command: EventCommand;
  readonly ended?: End | undefined;
  /** A new SMTP session starts here. */
  readonly opens: boolean;
  /** A new transaction starts here. */
  readonly begins: boolean;
  /** The MTA waits for an answer. */
  readonly answered: boolean;
  /** The answer is settled already: the handler asked to skip these. */
  readonly skipped: boolean;
  /** To be taken in place of an answer, unless the handler refuses. */
  readonly next?: Command;
}

const NOTHING: Step = { kind: 'none' };
const EOM: Eom = { kind: 'eom' };

export class Session {
  readonly #wants: Wants;
  readonly macros = new MacroTable();
  #agreement: Agreement | undefined;
  #transaction: 'none' | 'open' | 'refused' = 'none';
  #skipping: Stage | undefined;
  /** After QUIT_NC and before the next CONNECT. */
  #between = false;

  constructor(wants: Wants) {
    this.#wants = wants;
  }

  granted(right: EditRight | 'addRecipientArgs'): boolean {
    return ((this.#agreement?.actions ?? 0) & ACTION[right]) !== 0;
  }

  get leadingSpace(): boolean {
    return this.#has(HDR_LEADSPC);
  }

  #has(bit: number): boolean {
    return ((this.#agreement?.protocol ?? 0) & bit) !== 0;
  }

  /** ProtocolError for a command that cannot come here. */
  receive(command: Command): Step {
    if (command.kind === 'optneg') {
      // libmilter lets an offer between two sessions pass without an answer.
      if (this.#between) return NOTHING;
      if (this.#agreement) throw new ProtocolError('second OPTNEG');
      this.#agreement = negotiate(command, this.#wants);
      return { kind: 'agreed', agreement: this.#agreement };
    }
    if (!this.#agreement && command.kind !== 'quit') {
      throw new ProtocolError(`${command.kind} before OPTNEG`);
    }
    switch (command.kind) {
      case 'quit':
        return { kind: 'quit', ended: this.hangUp() };
      case 'macros':
        this.macros.set(command.letter, command.list);
        return NOTHING;
      case 'abort': {
        const ended = this.hangUp();
        this.macros.endTransaction();
        return ended === undefined ? NOTHING : { kind: 'none', ended };
      }
      case 'quit_nc':
        this.macros.reset();
        this.#between = true;
        return { kind: 'reset', ended: this.hangUp() };
      case 'eom':
        return command.chunk !== undefined && this.#isWanted('body')
          ? this.#event('body', { kind: 'body', chunk: command.chunk }, EOM)
          : this.#event('eom', EOM);
      default:
        return this.#event(command.kind, command);
    }
  }

  /** With the reason, when the MTA shows a recipient that it refuses itself. */
  #rcpt(command: Rcpt): Rcpt {
    if (!this.#has(RCPT_REJ)) return command;
    // Mailer `error` alone is no proof: virtual alias domains have it too.
    const dsn = this.macros.get('{rcpt_host}') ?? '';
    const isRejected =
      this.macros.get('{rcpt_mailer}') === 'error' && /^[45]\.\d{1,3}\.\d{1,3}$/.test(dsn);
    if (!isRejected) return command;
    return { ...command, rejected: { dsn, text: this.macros.get('{rcpt_addr}') ?? '' } };
  }

  /** The open transaction ends without an answer; undefined when none is open. */
  hangUp(): End | undefined {
    const was = this.#transaction;
    this.#transaction = 'none';
    this.#skipping = undefined;
    return was === 'none' ? undefined : was === 'refused' ? 'refused' : 'aborted';
  }

  #isWanted(stage: Stage): boolean {
    return this.#wants.on.has(stage) || this.#wants.observe.has(stage);
  }

  #event(stage: Stage, command: EventCommand, next?: Command): Step {
    const outside = stage === 'connect' || stage === 'helo';
    const ended = outside || stage === 'mail' ? this.hangUp() : undefined;
    this.#between = false;
    this.macros.enter(stage);
    const begins = !outside && stage !== 'unknown' && this.#transaction === 'none';
    if (begins || stage === 'rcpt' || stage === 'data') this.#transaction = 'open';
    const skipped = this.#skipping === stage;
    if (!skipped) this.#skipping = undefined;
    return {
      kind: 'event',
      stage,
      command: command.kind === 'rcpt' ? this.#rcpt(command) : command,
      ended,
      opens: stage === 'connect',
      begins,
      answered: stage === 'eom' || !this.#has(NO_REPLY[stage]),
      skipped,
      ...(next === undefined ? {} : { next }),
    };
  }

  /** The handler's word on the event taken last. Says how the transaction ended, if it did. */
  // oxlint-disable-next-line typescript/consistent-return -- tsc proves the switch exhaustive
  settle(stage: Stage, verdict: Verdict): End | undefined {
    const passes = verdict.kind === 'continue' || verdict.kind === 'accept';
    switch (stage) {
      case 'connect':
      case 'helo':
      case 'unknown':
        return undefined;
      case 'rcpt':
        return verdict.kind === 'discard' ? this.#end('refused') : undefined;
      case 'data':
        if (verdict.kind === 'discard') return this.#end('refused');
        if (!passes) this.#transaction = 'refused';
        return undefined;
      case 'header':
      case 'body':
        if (verdict.kind === 'skip') {
          this.#skipping = stage;
          return undefined;
        }
        return passes ? undefined : this.#end('refused');
      case 'mail':
      case 'eoh':
        return passes ? undefined : this.#end('refused');
      case 'eom':
        return this.#end(passes ? 'passed' : 'refused');
    }
  }

  /** Whether the MTA understands `skip`. */
  get canSkip(): boolean {
    return this.#has(SKIP);
  }

  #end(how: End): End {
    this.#transaction = 'none';
    this.#skipping = undefined;
    this.macros.endTransaction();
    return how;
  }
}
