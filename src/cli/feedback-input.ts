/** Messages and lines from a file, a folder or standard input, one after the other and bounded. */
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ControlError } from '../control/api.ts';
import { inputLines } from './input-lines.ts';

/** As much of a message as is read (feedback/report-part.ts). */
const MOST_BYTES = 256 * 1024;
const LONGEST_LINE = 64 * 1024;
/** Lines of one request. */
const MOST_LINES = 500;
/** Each may be written with six in a request of 2 MiB. */
const MOST_CHARACTERS = 250_000;

/** `From sender Tue Nov 24 14:00:00 2026`: what begins a message in an mbox file. */
const MBOX = /^From \S+ .{0,40}\d\d:\d\d.{0,40}\d{4}/;

/**
 * `name`: a message, an mbox file, a Maildir or another folder of messages; `-`: `stdin`. Rejects with
 * ControlError where it can't be read.
 */
export async function* messagesIn(
  name: string,
  stdin: NodeJS.ReadableStream,
): AsyncIterable<Buffer> {
  if (name === '-') {
    yield* messagesOf(stdin);
    return;
  }
  const files = await filesOf(name);
  for (const file of files) {
    const input = await opened(file);
    // Whoever reads the mail in a Maildir moves and removes its files at any time.
    if (input === undefined && file !== name) continue;
    yield* messagesOf(input ?? missing(name));
  }
}

/** Lines in pieces that fit into a request. Rejects with ControlError where it can't be read. */
export async function* linesIn(
  name: string,
  stdin: NodeJS.ReadableStream,
): AsyncIterable<{ readonly text: string; readonly lines: number }> {
  let piece: string[] = [];
  let size = 0;
  const input = name === '-' ? stdin : ((await opened(name)) ?? missing(name));
  for await (const line of rawLines(input)) {
    piece.push(Buffer.from(line, 'latin1').toString('utf8'));
    size += line.length;
    if (piece.length < MOST_LINES && size < MOST_CHARACTERS) continue;
    yield { text: piece.join('\n'), lines: piece.length };
    piece = [];
    size = 0;
  }
  if (piece.length > 0) yield { text: piece.join('\n'), lines: piece.length };
}

async function filesOf(name: string): Promise<readonly string[]> {
  try {
    if (!(await stat(name)).isDirectory()) return [name];
    const inside = await readdir(name);
    const isMaildir = inside.includes('cur') && inside.includes('new');
    const folders = isMaildir ? [join(name, 'new'), join(name, 'cur')] : [name];
    const files: string[] = [];
    for (const folder of folders) {
      for (const entry of (await readdir(folder, { withFileTypes: true })).toSorted((a, b) =>
        a.name < b.name ? -1 : 1,
      )) {
        if (entry.isFile()) files.push(join(folder, entry.name));
      }
    }
    return files;
  } catch (error) {
    throw unreadable(name, error);
  }
}

/** undefined: there is no such file. */
async function opened(file: string): Promise<NodeJS.ReadableStream | undefined> {
  try {
    const handle = await open(file);
    if (!(await handle.stat()).isDirectory()) return handle.createReadStream();
    await handle.close();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw unreadable(file, error);
  }
  throw new ControlError(400, `${file}: found a folder, expected a file of lines`);
}

function missing(name: string): never {
  throw new ControlError(400, `${name}: there is no such file`);
}

function unreadable(name: string, error: unknown): ControlError {
  const why = error instanceof Error ? error.message : String(error);
  return new ControlError(400, `${name} can't be read: ${why}`);
}

async function* messagesOf(input: NodeJS.ReadableStream): AsyncIterable<Buffer> {
  let isMbox = false;
  let isFirst = true;
  let wasBlank = true;
  let size = 0;
  let message: string[] = [];
  const whole = (): Buffer => Buffer.from(`${message.join('\n')}\n`, 'latin1');
  for await (const line of rawLines(input)) {
    const begins = MBOX.test(line);
    if (isFirst) isMbox = begins || line.startsWith('From ');
    if ((isFirst && isMbox) || (isMbox && begins && wasBlank)) {
      if (message.length > 0) yield whole();
      message = [];
      size = 0;
    } else if (size < MOST_BYTES) {
      message.push(line);
      size += line.length + 1;
    }
    isFirst = false;
    wasBlank = line.trim() === '';
  }
  if (message.length > 0) yield whole();
}

/** Lines as Latin-1, so that each byte stays what it was. */
function rawLines(input: NodeJS.ReadableStream): AsyncIterable<string> {
  return inputLines(input, 'latin1', LONGEST_LINE);
}
