/**
 * The fields of a message/delivery-status (RFC 3464, 6533) or message/feedback-report (RFC 5965)
 * part: blocks of `Name: value` lines, folded, with blank lines between them. Nothing here throws;
 * what is no field is left out.
 */

/** Lower-case name -> values in the order in which they came. */
export type Fields = ReadonlyMap<string, readonly string[]>;

const MOST_BLOCKS = 200;
const MOST_FIELDS = 100;
const LONGEST_VALUE = 4000;

/** A second field of the name `splitAt` begins a block too: not everybody leaves a blank line. */
export function fieldBlocks(text: string, splitAt?: string): readonly Fields[] {
  const blocks: Map<string, string[]>[] = [];
  let block = new Map<string, string[]>();
  let last: string[] | undefined;
  const finish = (): void => {
    if (block.size > 0) blocks.push(block);
    block = new Map();
    last = undefined;
  };
  for (const line of text.split(/\r?\n/)) {
    if (blocks.length >= MOST_BLOCKS) break;
    if (line.trim() === '') {
      finish();
      continue;
    }
    const value = last?.at(-1);
    if (last !== undefined && value !== undefined && /^[ \t]/.test(line)) {
      if (value.length < LONGEST_VALUE) last[last.length - 1] = `${value} ${line.trim()}`;
      continue;
    }
    const colon = line.indexOf(':');
    const name = colon > 0 ? line.slice(0, colon).trim().toLowerCase() : '';
    if (!/^[\w-]{1,60}$/.test(name)) continue;
    if (name === splitAt && block.has(name)) finish();
    if (block.size >= MOST_FIELDS) continue;
    last = block.get(name) ?? [];
    block.set(name, last);
    last.push(line.slice(colon + 1, colon + 1 + LONGEST_VALUE).trim());
  }
  finish();
  return blocks;
}

/** The first value of a field; undefined: there is none, or it is empty. */
export function field(fields: Fields, name: string): string | undefined {
  return fields.get(name)?.find((value) => value !== '');
}

/** `dns; mx.example.org` -> `mx.example.org`: without the word that says of what kind it is. */
export function withoutType(value: string): string {
  const semicolon = value.indexOf(';');
  const type = value.slice(0, Math.max(0, semicolon)).trim();
  return semicolon > 0 && /^[\w-]{1,30}$/.test(type) ? value.slice(semicolon + 1).trim() : value;
}

/** A local part may be quoted: `"john doe"@example.org` (RFC 5321, 4.1.2). */
const ADDRESS = /(?:"(?:[^"\\]|\\.){1,64}"|[^\s<>()[\]",;:]{1,64})@[^\s<>()[\]",;:@]{1,255}/;

/** `rfc822; <jane@example.org>` -> `jane@example.org`; undefined where no address is in it. */
export function addressIn(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  // RFC 6533, 3: characters beyond ASCII may be written as \x{E9}.
  const plain = withoutType(value).replace(/\\x\{([0-9a-f]{1,6})\}/gi, (whole, hex: string) => {
    const point = Number.parseInt(hex, 16);
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
  });
  return ADDRESS.exec(plain.slice(0, 1000))?.[0];
}
