import { inputLines } from './input-lines.ts';

const LONGEST = 8192;

/** Replies, one a line; empty lines are passed over. */
export async function* replyLines(input: NodeJS.ReadableStream): AsyncIterable<string> {
  for await (const line of inputLines(input, 'utf8', LONGEST)) {
    if (line.trim() !== '') yield line;
  }
}
