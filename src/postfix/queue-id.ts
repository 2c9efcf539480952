/**
 * Queue ids as Postfix makes them (mail_queue.h): short ones are microseconds (5 hexadecimal digits)
 * and inode; long ones are seconds (6 digits or more), microseconds (4 digits), `z`, inode, in an
 * alphabet without vowels: base 52, the inode base 51 (without z).
 */
const QUEUE_ID = /^[0-9A-Za-z]{6,32}$/;
const LONG_ID = /^[0-9A-Za-z]{6,}([0-9A-Za-z]{4})z([0-9A-Zb-y]+)$/;
const ALPHABET = '0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz';

/** Whether the text may be handed to a command of Postfix as a queue id. */
export function isQueueId(text: string): boolean {
  return QUEUE_ID.test(text);
}

function read(digits: string, base: bigint): bigint | undefined {
  let value = 0n;
  for (const digit of digits) {
    const found = ALPHABET.indexOf(digit);
    if (found < 0) return undefined;
    value = value * base + BigInt(found);
  }
  return value;
}

/**
 * The short name that Postfix gives the file of a long one when enable_long_queue_ids is switched
 * off and it is reloaded; undefined for ids that are no long ones. (Switched on, files keep their
 * short names.)
 */
export function shortQueueId(longId: string): string | undefined {
  const found = LONG_ID.exec(longId);
  const microseconds = found === null ? undefined : read(found[1] ?? '', 52n);
  const inode = found === null ? undefined : read(found[2] ?? '', 51n);
  if (microseconds === undefined || inode === undefined) return undefined;
  const hexadecimal = microseconds.toString(16).padStart(5, '0') + inode.toString(16);
  return hexadecimal.toUpperCase();
}
