/**
 * How far a message came before it was refused, as a number: 0 the greeting, then HELO, MAIL, RCPT, DATA,
 * 5 its end. A provider that blocks us refuses at the same place each time; what is refused further on
 * came past that.
 */
import { stageOf, type Stage } from './reply.ts';

const ORDER: readonly Stage[] = ['connect', 'helo', 'mail', 'rcpt', 'data', 'message'];

export const DEEPEST = ORDER.length - 1;

/** `reply`: as Postfix logged it. undefined: it does not tell. */
export function depthOf(reply: string): number | undefined {
  const stage = stageOf(reply);
  return stage && ORDER.indexOf(stage);
}
