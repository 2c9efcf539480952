/**
 * What a queue id says of its file. Postfix builds both forms of the time the message came and the
 * inode of its file: a file that was renamed (enable_long_queue_ids was switched) has another id,
 * and the same two numbers in it.
 * Source: Postfix 3.7.11, src/global/mail_queue.h.
 */

/** Postfix's base 52: no vowels, so that no words come out. */
const DIGITS = '0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz';

export interface Identity {
  readonly microseconds: number;
  readonly inode: string;
}

/**
 * Short: five hexadecimal digits of microseconds, then the inode. Long: seconds (six digits or more,
 * base 52), four of microseconds, `z`, the inode in base 51. undefined: neither.
 */
export function identityOf(queueId: string): Identity | undefined {
  const long =
    /^([0-9BCDFGHJ-NP-TV-Zbcdfghj-np-tv-z]{6,})([0-9BCDFGHJ-NP-TV-Zbcdfghj-np-tv-z]{4})z([0-9BCDFGHJ-NP-TV-Zbcdfghj-np-tv-y]+)$/.exec(
      queueId,
    );
  if (long !== null) {
    const microseconds = number(long[2] as string, 52n);
    const inode = number(long[3] as string, 51n);
    return { microseconds: Number(microseconds), inode: inode.toString(16) };
  }
  const short = /^([0-9A-F]{5})([0-9A-F]+)$/.exec(queueId);
  if (short === null) return undefined;
  return {
    microseconds: Number.parseInt(short[1] as string, 16),
    inode: BigInt(`0x${short[2] as string}`).toString(16),
  };
}

/** Whether two ids are names of one file. */
export function isSameFile(one: string, other: string): boolean {
  const a = identityOf(one);
  const b = identityOf(other);
  return (
    one !== other &&
    a !== undefined &&
    b !== undefined &&
    a.inode === b.inode &&
    a.microseconds === b.microseconds
  );
}

function number(text: string, base: bigint): bigint {
  let value = 0n;
  for (const digit of text) value = value * base + BigInt(DIGITS.indexOf(digit));
  return value;
}
