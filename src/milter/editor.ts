/**
 * Changes to a message, collected while its end is handled and sent in one piece with the final
 * answer; nothing of them is sent when the message is refused. A change that was not negotiated,
 * or that comes after the answer, throws: it would be lost without a word.
 */
import { CHUNK_BYTES } from './codes.ts';
import type { EditRight } from './negotiation.ts';
import { encodeReply, type Edit } from './reply.ts';

export interface Editor {
  /** Whether the MTA lets this filter do so. */
  granted(right: EditRight): boolean;
  /** Appends a header. Folded lines: LF and a space or tab. */
  addHeader(name: string, value: string): void;
  /** Inserts a header, index 0 at the top. */
  insertHeader(index: number, name: string, value: string): void;
  /** Replaces the nth header of that name, 1 the first; an empty value deletes it. */
  changeHeader(name: string, nth: number, value: string): void;
  /** Replaces the body, all of it; CRLF lines. */
  replaceBody(body: Uint8Array): void;
  /** `args`: ESMTP arguments such as `NOTIFY=NEVER`, separated by spaces. */
  addRecipient(address: string, args?: string): void;
  /** The address as RCPT gave it. */
  deleteRecipient(address: string): void;
  changeFrom(address: string, args?: string): void;
  /** The message is accepted and goes to the hold queue. Postfix logs the reason from 3.10 on. */
  quarantine(reason: string): void;
}

/** What an editor must know of the negotiation. */
export interface Grants {
  granted(right: EditRight | 'addRecipientArgs'): boolean;
  readonly leadingSpace: boolean;
}

export class EditList implements Editor {
  readonly #grants: Grants;
  readonly #frames: Buffer[] = [];
  #body: readonly Buffer[] = [];
  #closed = false;

  constructor(grants: Grants) {
    this.#grants = grants;
  }

  granted(right: EditRight): boolean {
    return this.#grants.granted(right);
  }

  addHeader(name: string, value: string): void {
    this.#add('addHeader', {
      kind: 'addHeader',
      name: headerName(name),
      value: this.#value(value),
    });
  }

  insertHeader(index: number, name: string, value: string): void {
    const edit = { index, name: headerName(name), value: this.#value(value) } as const;
    this.#add('addHeader', { kind: 'insertHeader', ...edit });
  }

  changeHeader(name: string, nth: number, value: string): void {
    const changed = value === '' ? '' : this.#value(value);
    const edit = { index: nth, name: headerName(name), value: changed } as const;
    this.#add('changeHeader', { kind: 'changeHeader', ...edit });
  }

  replaceBody(body: Uint8Array): void {
    this.#check('replaceBody');
    const chunks: Buffer[] = [];
    // An empty body is one empty chunk: no chunk at all would change nothing.
    for (let at = 0; at === 0 || at < body.length; at += CHUNK_BYTES) {
      const chunk = Buffer.from(body.subarray(at, at + CHUNK_BYTES));
      chunks.push(encodeReply({ kind: 'replaceBody', chunk }));
    }
    this.#body = chunks;
  }

  addRecipient(address: string, args?: string): void {
    const edit = { kind: 'addRecipient', address: oneLine(address) } as const;
    if (args === undefined) this.#add('addRecipient', edit);
    else this.#add('addRecipientArgs', { ...edit, args: oneLine(args) });
  }

  deleteRecipient(address: string): void {
    this.#add('deleteRecipient', { kind: 'deleteRecipient', address: oneLine(address) });
  }

  changeFrom(address: string, args?: string): void {
    const edit = { kind: 'changeFrom', address: oneLine(address) } as const;
    this.#add('changeFrom', args === undefined ? edit : { ...edit, args: oneLine(args) });
  }

  quarantine(reason: string): void {
    this.#add('quarantine', { kind: 'quarantine', reason: oneLine(reason) });
  }

  /** The frames of all changes; afterwards nothing more is taken. */
  take(): readonly Buffer[] {
    this.#closed = true;
    // Postfix refuses any other edit between the chunks of a body.
    return this.#body.length === 0 ? this.#frames : [...this.#frames, ...this.#body];
  }

  #add(right: EditRight | 'addRecipientArgs', edit: Edit): void {
    this.#check(right);
    this.#frames.push(encodeReply(edit));
  }

  #check(right: EditRight | 'addRecipientArgs'): void {
    if (this.#closed) throw new Error(`${right}: the message has been answered`);
    if (!this.#grants.granted(right)) throw new Error(`${right}: not negotiated with this MTA`);
  }

  #value(value: string): string {
    // A line break that is not followed by white space would start a header of its own.
    if (/[\0\r]|\n(?![ \t])/.test(value)) {
      throw new RangeError(`header value ${JSON.stringify(value)}: break lines as LF and a space`);
    }
    return this.#grants.leadingSpace ? ` ${value}` : value;
  }
}

function headerName(name: string): string {
  if (!/^[\x21-\x39\x3b-\x7e]+$/.test(name)) {
    throw new RangeError(`header name ${JSON.stringify(name)}`);
  }
  return name;
}

function oneLine(text: string): string {
  if (/[\0\r\n]/.test(text)) throw new RangeError(`line break in ${JSON.stringify(text)}`);
  return text;
}
