/**
 * Line by line talk with a root helper (`postsuper -H -` and the like): queue ids go in, one line
 * comes back for each that was found, none for the others. The helper is a command that we start,
 * or a unix socket whose other end is the command's standard streams (systemd, Accept=yes).
 */
import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import type { Duplex, Readable, Writable } from 'node:stream';

/** A helper as the configuration names it: a socket's path, or an argv to start. */
export type Helper =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'command'; readonly argv: readonly string[] };

/** The longest line kept; postsuper's are short. */
const LONGEST_LINE = 4096;

export interface HelperChannel {
  send(text: string): void;
  /** Nothing more will be sent; the helper finishes and ends. */
  end(): void;
  /** Gives it up at once. */
  destroy(): void;
  /** Called for each line, and once at the end, `why` set when it failed. */
  listen(onLine: (line: string) => void, onEnd: (why: string | undefined) => void): void;
}

type OnLine = (line: string) => void;
type OnEnd = (why: string | undefined) => void;

/** Both the channel's halves, whatever carries them. */
class StreamChannel implements HelperChannel {
  readonly #input: Writable;
  readonly #giveUp: () => void;
  #rest = '';
  #onLine: OnLine = () => undefined;
  #onEnd: OnEnd = () => undefined;
  #ended: { readonly why: string | undefined } | undefined;

  constructor(input: Writable, outputs: readonly Readable[], giveUp: () => void) {
    this.#input = input;
    this.#giveUp = giveUp;
    // Writing to a helper that is gone fails here; its end is told separately.
    input.on('error', () => undefined);
    for (const output of outputs) {
      output.setEncoding('utf8').on('data', (text: string) => this.#take(text));
      output.on('error', () => undefined);
    }
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = (lines.pop() ?? '').slice(-LONGEST_LINE);
    for (const line of lines) this.#onLine(line);
  }

  finish(why: string | undefined): void {
    if (this.#ended !== undefined) return;
    this.#ended = { why };
    if (this.#rest !== '') this.#onLine(this.#rest);
    this.#onEnd(why);
  }

  send(text: string): void {
    if (this.#input.writable) this.#input.write(text);
  }

  end(): void {
    if (this.#input.writable) this.#input.end();
  }

  destroy(): void {
    this.#giveUp();
  }

  listen(onLine: OnLine, onEnd: OnEnd): void {
    this.#onLine = onLine;
    this.#onEnd = onEnd;
    if (this.#ended !== undefined) onEnd(this.#ended.why);
  }
}

function openCommand(argv: readonly string[]): Promise<HelperChannel> {
  const [file = '', ...rest] = argv;
  const child = spawn(file, rest, { stdio: 'pipe' });
  const outputs = [child.stdout, child.stderr];
  const channel = new StreamChannel(child.stdin, outputs, () => child.kill('SIGKILL'));
  child.on('close', (code, signal) =>
    channel.finish(code === 0 ? undefined : `ended with ${String(signal ?? code)}`),
  );
  return new Promise((resolve, reject) => {
    child.once('spawn', () => resolve(channel));
    child.once('error', reject);
  });
}

function openSocket(path: string): Promise<HelperChannel> {
  const socket: Duplex = connect({ path, allowHalfOpen: true });
  const channel = new StreamChannel(socket, [socket], () => socket.destroy());
  socket.on('end', () => socket.end());
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(channel));
    socket.once('error', (error) => {
      channel.finish(error.message);
      reject(error);
    });
    socket.once('close', () => channel.finish(undefined));
  });
}

/** Opens a channel; rejects with an Error that names the helper when it can't be reached. */
export async function openHelper(helper: Helper): Promise<HelperChannel> {
  try {
    return await (helper.kind === 'unix' ? openSocket(helper.path) : openCommand(helper.argv));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${helperName(helper)}: ${reason}`, { cause: error });
  }
}

/** As an operator knows it: the socket's path or the command line. */
export function helperName(helper: Helper): string {
  return helper.kind === 'unix' ? `unix:${helper.path}` : helper.argv.join(' ');
}
