/**
 * One connection: bytes in, events to the program one after another, bytes out. It owns no
 * socket; what carries the bytes is a `Wire`. Exactly one answer leaves for each event that wants
 * one, and none for any other.
 */
import { decodeCommand, type Command } from './command.ts';
import type { EditList } from './editor.ts';
import { ProtocolError } from './error.ts';
import { Inbox } from './inbox.ts';
import { LIMITS, wantsNow, wantsOf, type Limits, type MilterOptions } from './options.ts';
import type { Wants } from './negotiation.ts';
import { Program, type Bench } from './program.ts';
import { encodeReply } from './reply.ts';
import { Session, type End, type EventStep } from './session.ts';
import { proceed, tempfail, type Verdict } from './verdict.ts';

export interface Wire {
  /** false: the peer reads slowly, `drained` will be called. */
  write(bytes: Buffer): boolean;
  /** Ends in order, after what has been written. */
  end(): void;
  /** Ends at once. */
  destroy(): void;
  pause(): void;
  resume(): void;
}

/** What all connections of a milter share. */
export interface Service {
  readonly options: MilterOptions<unknown, unknown>;
  readonly wants: Wants;
  readonly limits: Limits;
  /** Messages whose end was answered. */
  messages: number;
}

/** TypeError for options that contradict themselves. */
export function serviceOf<C, T>(options: MilterOptions<C, T>): Service {
  const limits = { ...LIMITS, ...options.limits };
  return {
    // The program's own types matter to its handlers alone: what `session` and `transaction` made
    // is handed back to them untouched.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    options: options as unknown as MilterOptions<unknown, unknown>,
    wants: wantsOf(options),
    limits: { ...limits, eomMs: options.limits?.eomMs ?? limits.decisionMs },
    messages: 0,
  };
}

export class Connection implements Bench {
  readonly #service: Service;
  readonly #wire: Wire;
  readonly #inbox: Inbox;
  readonly #session: Session;
  readonly #program: Program;
  #isPaused = false;
  #isWritable = true;
  #isClosed = false;

  constructor(service: Service, wire: Wire) {
    const { options, wants, limits } = service;
    this.#service = service;
    this.#wire = wire;
    this.#inbox = new Inbox(limits.frameBytes);
    this.#session = new Session(wantsNow(wants, options.spared?.() ?? []));
    this.#program = new Program(options, limits, this.#session, this.#session.macros, this);
  }

  receive(chunk: Buffer): void {
    if (this.#isClosed) return;
    this.#inbox.push(chunk);
    this.#pump();
  }

  /** The peer has taken what was written. */
  drained(): void {
    this.#isWritable = true;
    this.#pump();
  }

  /** The peer is gone, or is to be forgotten. Ends an open transaction. */
  hangUp(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#inbox.clear();
    this.#program.abandon('the MTA hung up');
    this.#finish(this.#session.hangUp());
  }

  #pump(): void {
    try {
      while (!this.#isClosed) {
        const isReady = !this.#program.isBusy && this.#isWritable;
        const frame = isReady ? this.#inbox.next() : this.#inbox.readAhead();
        if (frame === undefined) break;
        if (isReady) this.#take(decodeCommand(frame));
        else if ('AQK'.includes(frame.letter)) this.#abandon();
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.hangUp();
      this.#wire.destroy();
      this.#service.options.onFault?.(error, 'peer');
    }
    const isFull = this.#inbox.queuedBytes > this.#service.limits.queuedBytes;
    if (isFull === this.#isPaused || this.#isClosed) return;
    this.#isPaused = isFull;
    if (isFull) this.#wire.pause();
    else this.#wire.resume();
  }

  #take(command: Command): void {
    const step = this.#session.receive(command);
    if (step.kind === 'agreed') {
      this.#write(encodeReply(step.agreement));
      return;
    }
    this.#finish(step.ended);
    switch (step.kind) {
      case 'none':
        return;
      case 'reset':
        this.#program.forgetSession();
        return;
      case 'quit':
        this.#isClosed = true;
        this.#wire.end();
        return;
      case 'event':
        this.#program.handle(step);
    }
  }

  /**
   * The MTA has given up on a message that is still being judged. The event keeps its one answer,
   * so that nothing shifts; the ABORT that was read ends the transaction when its turn comes.
   */
  #abandon(): void {
    const step = this.#program.abandon('the MTA aborted');
    if (step?.answered) this.#write(encodeReply(step.stage === 'eom' ? tempfail : proceed));
  }

  answer(step: EventStep, verdict: Verdict, edit: EditList | undefined, isLate: boolean): void {
    if (this.#isClosed) return;
    const { stage } = step;
    const passes = verdict.kind === 'continue' || verdict.kind === 'accept';
    if (step.next !== undefined && (passes || verdict.kind === 'skip')) {
      this.#take(step.next);
    } else {
      if (step.answered) {
        const spoken = verdict.kind === 'skip' && !this.#session.canSkip ? proceed : verdict;
        const frames = passes && edit ? edit.take() : [];
        const last = encodeReply(spoken);
        // One write: a quarantine that is cut off from its final answer is forgotten.
        this.#write(frames.length === 0 ? last : Buffer.concat([...frames, last]));
      }
      edit?.take();
      if (stage === 'eom') this.#service.messages++;
      this.#finish(this.#session.settle(stage, step.answered ? verdict : proceed));
    }
    if (isLate) this.#pump();
  }

  progress(): void {
    this.#write(encodeReply({ kind: 'progress' }));
  }

  #write(bytes: Buffer): void {
    if (!this.#isClosed) this.#isWritable = this.#wire.write(bytes);
  }

  #finish(how: End | undefined): void {
    if (how !== undefined) this.#program.finish(how);
  }
}
