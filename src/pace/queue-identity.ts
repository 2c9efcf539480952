/**
 * What a queue id says of its file. Postfix builds both forms of the time the message came and the
 * inode of its file: a file that was renamed (enable_long_queue_ids was switched) has another id,
 * and the same two numbers in it.
 * Source: Postfix 3.7.11, src/global/mail_queue.h.
 */

/** Postfix's base 52: no vowels, so that no words come out. */
const DIGITS = '0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz';

/** Seconds, microseconds, `z`, inode. */
const LONG =
  /^[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{6,}([0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{4})z([0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-y]+)$/;
const SHORT = /^([0-9A-F]{5})([0-9A-F]+)$/;

export interface Identity {
  readonly microseconds: number;
  readonly inode: string;
}

/**
 * Short: five hexadecimal digits of microseconds, then the inode. Long: seconds (six digits or more,
 * base 52), four of microseconds, `z`, the inode in base 51. undefined: neither.
 */
export function identityOf(queueId: string): Identity | undefined {
  const [, microseconds, inode] = LONG.exec(queueId) ?? [];
  if (microseconds !== undefined && inode !== undefined) {
    return {
      microseconds: Number(number(microseconds, 52n)),
      inode: number(inode, 51n).toString(16),
    };
  }
  const [, hexadecimal, hexInode] = SHORT.exec(queueId) ?? [];
  if (hexadecimal === undefined || hexInode === undefined) return undefined;
  return {
    microseconds: Number.parseInt(hexadecimal, 16),
    inode: BigInt(`0x${hexInode}`).toString(16),
  };
}

/** The same for all names of one file; undefined where the id tells nothing. */
export function fileKey(queueId: string): string | undefined {
  const identity = identityOf(queueId);
  return identity && `${identity.microseconds}/${identity.inode}`;
}

/** Whether two ids are names of one file. */
export function isSameFile(one: string, other: string): boolean {
  const key = fileKey(one);
  return one !== other && key !== undefined && key === fileKey(other);
}

function number(text: string, base: bigint): bigint {
  let value = 0n;
  for (const digit of text) value = value * base + BigInt(DIGITS.indexOf(digit));
  return value;
}
