/**
 * The lines of a stream, without their ends. Longer ones than `longest` are cut, not refused: one that
 * never ends must not fill the memory. A last line that is empty is none.
 */
export async function* inputLines(
  input: NodeJS.ReadableStream,
  encoding: 'utf8' | 'latin1',
  longest: number,
): AsyncIterable<string> {
  input.setEncoding(encoding);
  let rest = '';
  for await (const chunk of input) {
    const [first = '', ...more] = String(chunk).split('\n');
    rest = (rest + first).slice(0, longest);
    for (const next of more) {
      yield rest;
      rest = next.slice(0, longest);
    }
  }
  if (rest !== '') yield rest;
}
