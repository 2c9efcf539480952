/** What a program says to `createMilter`: the events it wants, and what it does with them. */
import { STAGES, type Stage } from './codes.ts';
import type { Bare, Body, Connect, Header, Helo, Mail, Rcpt, Unknown } from './command.ts';
import type { Editor } from './editor.ts';
import type { EditRight, Wants } from './negotiation.ts';
import type { End } from './session.ts';
import type { Action } from './verdict.ts';

/** What each event brings. Buffers are views: copy what is to be kept. */
export interface Events {
  readonly connect: Connect;
  /** Each HELO and EHLO; there may be several, for example after STARTTLS. */
  readonly helo: Helo;
  readonly mail: Mail;
  readonly rcpt: Rcpt;
  readonly data: Bare;
  readonly unknown: Unknown;
  readonly header: Header;
  readonly eoh: Bare;
  readonly body: Body;
  readonly eom: { readonly edit: Editor };
}

export interface SessionContext<C> {
  /** Lives from CONNECT to the end of the SMTP session. */
  readonly session: C;
  readonly macros: {
    /** A macro as the MTA names it: `i`, `{auth_authen}`. */
    get(name: string): string | undefined;
  };
  /** Fires when the answer no longer matters: ABORT, hang-up, or the deadline has passed. */
  readonly signal: AbortSignal;
  /**
   * Restarts the MTA's timeout and ours. Postfix takes it at any event and is known by its macro
   * `v`; from others it is held back before the end of message.
   */
  progress(): void;
}

export interface TransactionContext<C, T> extends SessionContext<C> {
  /** Made anew for each message. */
  readonly txn: T;
}

export type Context<S extends Stage, C, T> = S extends 'connect' | 'helo' | 'unknown'
  ? SessionContext<C>
  : TransactionContext<C, T>;

type MaybeAction<S extends Stage> = Action<S> | undefined | void;

export type Handler<S extends Stage, C, T> = (
  event: Events[S],
  context: Context<S, C, T>,
) => MaybeAction<S> | Promise<MaybeAction<S>>;

export type Observer<S extends Stage, C, T> = (event: Events[S], context: Context<S, C, T>) => void;

/** Where a handler failed. */
export interface Failure {
  readonly stage: Stage;
  /** At the end of message: a fresh list of changes, in place of those of the failed handler. */
  readonly edit?: Editor;
}

export interface Limits {
  /** Longest frame accepted, in bytes, its letter included. Default 65536. */
  readonly frameBytes: number;
  /** What may wait behind a slow handler before the socket is no longer read. Default 256 KiB. */
  readonly queuedBytes: number;
  /**
   * Connections at a time; more are closed at once, and onFault is told when it begins. Default 0:
   * as many as the process has descriptors for, with some left for the rest of it.
   */
  readonly sessions: number;
  /** Longest decision before the end of message. Keep it below the MTA's. Default 25000. */
  readonly decisionMs: number;
  /** Longest decision at the end of message. Default: as `decisionMs`. */
  readonly eomMs: number;
  /** A connection silent for so long is closed; 0 for never. Default 7210000, as libmilter. */
  readonly idleMs: number;
}

export interface MilterOptions<C, T> {
  /** Events that are answered. These, and those of `observe`, are asked for; no others. */
  readonly on: { readonly [S in Stage]?: Handler<S, C, T> };
  /** Events that are looked at: no answer, and no round trip where the MTA can do without. */
  readonly observe?: { readonly [S in Exclude<Stage, 'eom'>]?: Observer<S, C, T> };
  /** What the handler of the end of message may change. */
  /** Observed events that a connection does without; asked when it negotiates. */
  readonly spared?: () => readonly Exclude<Stage, 'eom'>[];
  readonly edits?: readonly EditRight[];
  readonly macros?: Wants['macros'];
  readonly rejectedRecipients?: boolean;
  readonly leadingSpace?: boolean;
  readonly session?: () => C;
  readonly transaction?: (session: C) => T;
  /** Once for each transaction, however it ends. */
  readonly end?: (how: End, context: { readonly session: C; readonly txn: T }) => void;
  /**
   * A handler threw, or took too long (a DOMException named TimeoutError). What is returned is
   * answered in its place; nothing means tempfail. Of an observer's failure it is only told.
   */
  readonly onError?: (error: unknown, failure: Failure) => Action<'mail'> | undefined | void;
  /**
   * Trouble without an event: a peer that talks no milter protocol (ProtocolError), a listener
   * that can't accept, `end` or `onError` that threw. Service goes on.
   */
  readonly onFault?: (error: unknown, where: 'peer' | 'listener' | 'callback') => void;
  readonly limits?: Partial<Limits>;
}

export const LIMITS: Limits = {
  frameBytes: 65536,
  queuedBytes: 256 * 1024,
  sessions: 0,
  decisionMs: 25_000,
  eomMs: 25_000,
  idleMs: 7_210_000,
};

/** What a connection negotiates now. */
export function wantsNow(wants: Wants, spared: readonly Stage[]): Wants {
  if (spared.length === 0) return wants;
  return { ...wants, observe: new Set([...wants.observe].filter((one) => !spared.includes(one))) };
}

/** What to negotiate; TypeError for an event that is both handled and observed. */
export function wantsOf<C, T>(options: MilterOptions<C, T>): Wants {
  const on = new Set<Stage>();
  const observe = new Set<Stage>();
  for (const stage of STAGES) {
    if (options.on[stage]) on.add(stage);
    if (stage === 'eom' || !options.observe?.[stage]) continue;
    if (on.has(stage)) throw new TypeError(`${stage} is in both \`on\` and \`observe\``);
    observe.add(stage);
  }
  return {
    on,
    observe,
    edits: options.edits ?? [],
    macros: options.macros ?? {},
    rejectedRecipients: options.rejectedRecipients ?? false,
    leadingSpace: options.leadingSpace ?? false,
  };
}
