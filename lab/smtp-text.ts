/** SMTP as text: lines and dot-terminated messages from a socket, headers from a message. */
import type { Readable } from 'node:stream';

export interface SmtpUnit {
  readonly text: string;
}

/**
 * Yields lines without CRLF; `next(true)` asks for a whole message up to its dot instead (dots
 * unstuffed). Bytes are read as latin1, so lengths are bytes. Ends with the stream.
 */
export async function* linesOf(stream: Readable): AsyncGenerator<SmtpUnit, void, boolean> {
  let buffered = '';
  let whole = false;
  let searched = 0;
  stream.setEncoding('latin1');
  for await (const chunk of stream) {
    buffered += String(chunk);
    for (;;) {
      // A message of no lines at all is a lone dot.
      const lone = whole && buffered.startsWith('.\r\n');
      const mark = whole ? '\r\n.\r\n' : '\r\n';
      const end = lone ? 0 : buffered.indexOf(mark, Math.max(0, searched - mark.length));
      if (end < 0) break;
      const text = buffered.slice(0, end);
      buffered = buffered.slice(end + (lone ? 3 : mark.length));
      searched = 0;
      whole = yield { text: whole ? text.replaceAll('\r\n..', '\r\n.') : text };
    }
    searched = buffered.length;
  }
}

/** Lower-case name -> first value, folded lines joined. */
export function headersOf(message: string): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  const end = message.indexOf('\r\n\r\n');
  const block = (end < 0 ? message : message.slice(0, end)).replaceAll(/\r\n(?=[ \t])/g, '');
  for (const line of block.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const name = line.slice(0, colon).toLowerCase();
    if (!headers.has(name)) headers.set(name, line.slice(colon + 1).trim());
  }
  return headers;
}
