/**
 * Wakes the queue manager for mail that postsuper has just moved to the deferred queue; without
 * that it waits up to queue_run_delay. Two ways, with their price as measured on Postfix 3.7:
 * one `D` to public/qmgr has the whole deferred queue scanned (9 us a deferred message) and takes
 * up what is due, which a released message is and other deferred mail is not; `postqueue -i` takes
 * up one message, due or not (some 40 ms, most of it the start of a process).
 */
import { stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { runCommand } from './command.ts';

/** Deferred messages per released one up to which a scan is the cheaper way. */
const SCAN_PER_MESSAGE = 2_000;
/** Processes of postqueue at a time. */
const AT_A_TIME = 4;
/** The queue manager closes the connection when it has read the byte. */
const CLOSED_WITHIN_MS = 1_000;
/** Longer paths do not fit into a socket address. */
const LONGEST_PATH = 108;

export interface Waker {
  /** postconf's config_directory and queue_directory. */
  readonly configDirectory: string;
  readonly queueDirectory: string;
  /** Messages in the deferred queue, as last seen. */
  readonly deferred: () => number;
}

export type Awakened = readonly { readonly queueId: string; readonly wasDeferred: boolean }[];

/** Which way for which message. */
export function chooseWake(
  messages: Awakened,
  deferred: number,
): { readonly scan: boolean; readonly one: readonly string[] } {
  const fresh = messages.filter((message) => !message.wasDeferred);
  // Mail that was deferred before it was held keeps its next-attempt time, which a scan respects.
  const own = messages.filter((message) => message.wasDeferred);
  const scan = fresh.length > 0 && deferred <= SCAN_PER_MESSAGE * fresh.length;
  return { scan, one: (scan ? own : messages).map((message) => message.queueId) };
}

/** Rejects with an Error that says what failed; the mail then leaves at the next queue run. */
export async function wake(waker: Waker, messages: Awakened): Promise<void> {
  const way = chooseWake(messages, waker.deferred());
  const errors: unknown[] = [];
  const keep = (error: unknown) => errors.push(error);
  const waiting = [...way.one];
  const worker = async () => {
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      const argv = ['postqueue', '-c', waker.configDirectory, '-i', id];
      await runCommand(argv).catch(keep);
    }
  };
  const workers = Array.from({ length: Math.min(AT_A_TIME, waiting.length) }, worker);
  await Promise.all([way.scan ? startScan(waker).catch(keep) : undefined, ...workers]);
  if (errors.length > 0) throw errors[0];
}

/** Rejects with an Error when Postfix does not run; what can't be told counts as running. */
export async function reachQueueManager(waker: Waker): Promise<void> {
  const path = await queueManagerSocket(waker);
  if (path === undefined || (await sendTo(path, ''))) return;
  throw new Error(`Postfix does not run: nobody answers on ${path}`);
}

/** A scan of the deferred queue; what postkick(1) does, without its process where that works. */
async function startScan(waker: Waker): Promise<void> {
  const path = await queueManagerSocket(waker);
  if (path !== undefined && (await sendTo(path, 'D'))) return;
  await runCommand(['postkick', '-c', waker.configDirectory, 'public', 'qmgr', 'D']);
}

/** undefined: it is a FIFO, or none that we can reach. */
async function queueManagerSocket({ queueDirectory }: Waker): Promise<string | undefined> {
  const path = join(queueDirectory, 'public', 'qmgr');
  const isSocket = await stat(path).then(
    (found) => found.isSocket(),
    () => false,
  );
  return isSocket && Buffer.byteLength(path) < LONGEST_PATH ? path : undefined;
}

/** Whether it went out; an empty text only connects. */
function sendTo(path: string, text: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    let sent = false;
    socket.setTimeout(CLOSED_WITHIN_MS, () => socket.destroy());
    socket.once('connect', () => {
      if (text === '') {
        sent = true;
        socket.destroy();
        return;
      }
      socket.write(text, (error) => {
        sent = error === undefined || error === null;
      });
    });
    socket.on('error', () => undefined);
    socket.once('close', () => resolve(sent));
    socket.resume();
  });
}
