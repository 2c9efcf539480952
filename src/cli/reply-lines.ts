/** Longer lines are cut, not refused: one that never ends must not fill the memory. */
const LONGEST = 8192;

/** The lines of a stream; empty ones are passed over. */
export async function* replyLines(input: NodeJS.ReadableStream): AsyncIterable<string> {
  input.setEncoding('utf8');
  let rest = '';
  for await (const chunk of input) {
    const [first = '', ...more] = String(chunk).split('\n');
    rest = (rest + first).slice(0, LONGEST);
    for (const next of more) {
      if (rest.trim() !== '') yield rest;
      rest = next.slice(0, LONGEST);
    }
  }
  if (rest.trim() !== '') yield rest;
}
