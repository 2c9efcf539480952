/** Queue ids as Postfix makes them: short (hexadecimal) and long (base 52). */
const QUEUE_ID = /^[0-9A-Za-z]{6,32}$/;

/** Whether the text may be handed to a command of Postfix as a queue id. */
export function isQueueId(text: string): boolean {
  return QUEUE_ID.test(text);
}
