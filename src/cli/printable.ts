/**
 * Text for a terminal. Addresses, replies and queue ids come from strangers; an escape sequence in
 * them must not move the cursor, and a right-to-left override must not turn a line around.
 */

// oxlint-disable-next-line no-control-regex -- control characters are what it is about
const UNPRINTABLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;

/** The text with control characters shown as `?`; tab and newline stay. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, '?');
}

/** A report as it is, all its texts printable and on one line, so that its layout can be trusted. */
export function printableReport<T extends object>(report: T): T {
  return JSON.parse(JSON.stringify(report), (_key, value: unknown) =>
    typeof value === 'string' ? printable(value.replace(/[\t\n]+/g, ' ')) : value,
  );
}
