/** Messages and lines from a file, a folder or standard input, one after the other and bounded. */
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ControlError } from '../control/api.ts';
import { inputLines } from './input-lines.ts';

/** As much of a message as is read (feedback/report-part.ts). */
const MOST_BYTES = 256 * 1024;
const LONGEST_LINE = 64 * 1024;
/** Lines of one request. */
const MOST_LINES = 500;
const MOST_CHARACTERS = 500_000;

/** `From sender Tue Nov 24 14:00:00 2026`: what begins a message in an mbox file. */
const MBOX = /^From \S+ .{0,40}\d\d:\d\d.{0,40}\d{4}/;

/** `name`: a message, an mbox file, a Maildir or another folder of messages; `-`: `stdin`. */
export async function* messagesIn(
  name: string,
  stdin: NodeJS.ReadableStream,
): AsyncIterable<Buffer> {
  if (name === '-') {
    yield* messagesOf(stdin);
    return;
  }
  for (const file of await filesOf(name)) yield* messagesOf(createReadStream(file));
}

/** Lines in pieces that fit into a request. Rejects with ControlError where it can't be read. */
export async function* linesIn(
  name: string,
  stdin: NodeJS.ReadableStream,
): AsyncIterable<{ readonly text: string; readonly lines: number }> {
  if (name !== '-') await filesOf(name);
  let piece: string[] = [];
  let size = 0;
  const input = name === '-' ? stdin : createReadStream(name);
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
    const why = error instanceof Error ? error.message : String(error);
    throw new ControlError(400, `${name} can't be read: ${why}`);
  }
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
